//go:build unix

package slot_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/need"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
)

const secret = "only root may read this"

// What a hostile agent puts into its inbox. Nothing of it is taken, nothing of it is shown, and the
// host goes on.
func TestHostileInbox(t *testing.T) {
	good := version("1.1.0")
	artifact := "artifact-" + sum(good)
	for name, c := range map[string]struct {
		plant func(s *scene, path, private string)
		code  string
		says  string
	}{
		"link": {func(s *scene, path, _ string) {
			s.must(os.Rename(path, path+".x"))
			s.must(os.Symlink(path+".x", path))
		}, "artifact", "is not a regular file"},
		"link aside": {func(s *scene, path, private string) { s.must(os.Remove(path)); s.must(os.Symlink(private, path)) }, "artifact", "is not a regular file"},
		"hard link":  {func(s *scene, path, _ string) { s.must(os.Link(path, path+".x")) }, "artifact", "has 2 names"},
		"pipe":       {func(s *scene, path, _ string) { s.must(os.Remove(path)); s.must(unix.Mkfifo(path, 0o666)) }, "artifact", "is not a regular file"},
		"folder":     {func(s *scene, path, _ string) { s.must(os.Remove(path)); s.must(os.Mkdir(path, 0o777)) }, "artifact", "is not a regular file"},
		"huge":       {func(s *scene, path, _ string) { s.must(os.Truncate(path, 1<<40)) }, "artifact", "has 1099511627776 bytes, signed are"},
		"empty":      {func(s *scene, path, _ string) { s.must(os.Truncate(path, 0)) }, "artifact", "has 0 bytes, signed are"},
		"changed": {func(s *scene, path, _ string) {
			s.must(os.WriteFile(path, bytes.Repeat([]byte("x"), len(good)), 0o600))
		}, "artifact", "not what was signed: its SHA-256 is"},
		"missing":  {func(s *scene, path, _ string) { s.must(os.Remove(path)) }, "none", "no program in the inbox is signed"},
		"unsigned": {func(s *scene, _, _ string) { s.put("metadata/releases", bytes.Repeat([]byte("x"), 200)) }, "metadata", "the signature is wrong"},
		"metadata is a link": {func(s *scene, _, private string) {
			s.must(os.Remove(s.inbox("metadata/releases")))
			s.must(os.Symlink(private, s.inbox("metadata/releases")))
		}, "metadata", "is not a regular file"},
		"metadata without end": {func(s *scene, _, _ string) { s.must(os.Truncate(s.inbox("metadata/releases"), 1<<40)) }, "metadata", "has 1099511627776 bytes, allowed are 65536"},
		"metadata is a pipe": {func(s *scene, _, _ string) {
			s.must(os.Remove(s.inbox("metadata/releases")))
			s.must(unix.Mkfifo(s.inbox("metadata/releases"), 0o666))
		}, "metadata", "is not a regular file"},
		"no metadata": {func(s *scene, _, _ string) { s.must(os.RemoveAll(s.inbox("metadata"))) }, "metadata", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			private := filepath.Join(s.dir, "private")
			s.must(os.WriteFile(private, []byte(secret), 0o600))
			s.offer("1.1.0")
			c.plant(s, s.inbox(artifact), private)
			err := s.apply()
			s.wantCode(err, c.code, c.says)
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the message shows a private file: %v", err)
			}
			s.wantChoice("1.0.0", false)
			if text, _ := os.ReadFile(private); string(text) != secret {
				t.Error("the private file was changed")
			}
			for _, aside := range []string{".x", ""} {
				_ = os.RemoveAll(s.inbox(artifact + aside))
			}
			_ = os.Mkdir(s.inbox("metadata"), 0o700)
			s.update("1.2.0")
		})
	}
}

func TestRequestsAreOnlyThere(t *testing.T) {
	for name, plant := range map[string]func(s *scene, path, private string){
		"junk": func(s *scene, path, _ string) { s.must(os.WriteFile(path, []byte("/etc/shadow\n"), 0o666)) },
		"link": func(s *scene, path, private string) { s.must(os.Symlink(private, path)) },
		"pipe": func(s *scene, path, _ string) { s.must(unix.Mkfifo(path, 0o666)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			private := filepath.Join(s.dir, "private")
			s.must(os.WriteFile(private, []byte(secret), 0o600))
			s.offer("1.1.0")
			for _, request := range []string{handover.RequestApply, handover.RequestHealthy} {
				_ = os.Remove(s.inbox(request))
			}
			plant(s, s.inbox(handover.RequestApply), private)
			s.must(s.apply())
			s.wantChoice("1.1.0", true)
			plant(s, s.inbox(handover.RequestHealthy), private)
			if got, err := s.slots().Bless(); err != nil || got != slot.Blessed {
				t.Errorf("got %q and %v, want %q", got, err, slot.Blessed)
			}
			if text, _ := os.ReadFile(private); string(text) != secret {
				t.Error("the private file was changed")
			}
		})
	}
	// A folder with something in it cannot be removed: it asks for nothing, ever.
	s := newScene(t)
	s.offer("1.1.0")
	s.must(os.Remove(s.inbox(handover.RequestApply)))
	s.must(os.MkdirAll(s.inbox(handover.RequestApply+"/x"), 0o777))
	if asked, err := s.slots().Apply(t.Context()); asked || err == nil {
		t.Errorf("got %t and %v, want an error", asked, err)
	}
	s.wantChoice("1.0.0", false)
}

func TestAnInboxThatIsNotTheAgents(t *testing.T) {
	other, err := strconv.Atoi(need.OtherUser(t).Uid)
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t)
	s.offer("1.1.0")
	s.must(os.Lchown(s.inbox("artifact-"+sum(version("1.1.0"))), other, -1))
	s.wantCode(s.apply(), "artifact", "does not belong to the agent's user")

	// The agent points its inbox at a folder of root.
	s.put(handover.RequestApply, nil)
	s.agent = other
	if asked, err := s.slots().Apply(t.Context()); asked || err == nil || !strings.Contains(err.Error(), "does not belong to the agent's user") {
		t.Errorf("got %t and %v, want that the folder is not the agent's", asked, err)
	}
	s.must(os.Rename(s.inbox(""), s.inbox("")[:len(s.inbox(""))-1]+".real"))
	s.must(os.Symlink("/", strings.TrimSuffix(s.inbox(""), "/")))
	if asked, err := s.slots().Apply(t.Context()); asked || err == nil {
		t.Errorf("got %t and %v, want an error", asked, err)
	}
	s.wantChoice("1.0.0", false)
}

// A release that its publisher described wrongly does not reach a slot.
func TestAReleaseForAnotherHost(t *testing.T) {
	edit := func(old, replacement string) []byte {
		data := version("1.1.0")
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("the program does not contain %q", old)
		}
		return bytes.ReplaceAll(data, []byte(old), []byte(replacement))
	}
	helper, err := os.ReadFile(filepath.Join(built, "helper"))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		data []byte
		says string
	}{
		"system":     {edit("GOOS="+runtime.GOOS, "GOOS="+strings.Repeat("x", len(runtime.GOOS))), `its system is "xxxxx", not`},
		"processor":  {edit("GOARCH="+runtime.GOARCH, "GOARCH="+strings.Repeat("x", len(runtime.GOARCH))), ``},
		"product":    {helper, `the program is another one than its description says: its product is`},
		"no program": {[]byte("#!/bin/sh\nexit 0\n"), `reading the program's header`},
		"torn":       {content[:len(content)/3], `reading the program's header`},
	}
	if runtime.GOOS == "linux" {
		header := version("1.1.0")
		header[18], header[19] = 243, 0 // e_machine: RISC-V
		cases["header"] = struct {
			data []byte
			says string
		}{header, `it is for "", and the program was built for`}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.put("artifact-"+sum(c.data), c.data)
			s.publish(describe("1.1.0", c.data))
			s.wantCode(s.apply(), "platform", c.says)
			s.wantChoice("1.0.0", false)
			if left, _ := filepath.Glob(filepath.Join(s.dir, "home", "*", "bin", "*")); len(left) > 0 {
				t.Errorf("left in the slots: %q", left)
			}
		})
	}
	t.Run("described so", func(t *testing.T) {
		s := newScene(t)
		s.offer("1.1.0")
		r := describe("1.1.0", version("1.1.0"))
		r.OS = "plan9"
		s.publish(r)
		s.wantCode(s.apply(), "none", "no program in the inbox is signed")
	})
}

// Whoever could write a program, or its folder, could be root.
func TestProgramsThatOthersCouldExchange(t *testing.T) {
	for name, c := range map[string]struct {
		open func(s *scene, program string)
		says string
	}{
		"program": {func(s *scene, program string) { s.must(os.Chmod(program, 0o757)) }, "may be written by others (mode 757)"},
		"folder":  {func(s *scene, program string) { s.must(os.Chmod(filepath.Dir(program), 0o775)) }, "may be written by others (mode 775)"},
		"slots":   {func(s *scene, _ string) { s.must(os.Chmod(filepath.Join(s.dir, "home"), 0o777)) }, "may be written by others (mode 777)"},
		"a link": {func(s *scene, program string) {
			s.must(os.Rename(program, program+"2"))
			s.must(os.Symlink(program+"2", program))
		}, "is not a regular file"},
		"changed":       {func(s *scene, program string) { s.must(os.WriteFile(program, version("6.6.6"), 0o755)) }, "the program's content is not what was signed: the SHA-256 of"},
		"cut":           {func(s *scene, program string) { s.must(os.Truncate(program, 100)) }, "has 100 bytes, not"},
		"not there":     {func(s *scene, program string) { s.must(os.Remove(program)) }, "no such file"},
		"slots lost":    {func(s *scene, program string) { s.must(os.RemoveAll(filepath.Dir(filepath.Dir(program)))) }, "no such file"},
		"no permission": {func(s *scene, program string) { s.must(os.Chmod(program, 0o644)) }, "is not executable (mode 644)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.update("1.1.0")
			program, err := os.Readlink(filepath.Join(s.dir, "run", "tcenvsvr"))
			s.must(err)
			c.open(s, program)
			s.wantChoice("1.0.0", false)
			if !strings.Contains(strings.ReplaceAll(s.log.String(), `\"`, `"`), c.says) {
				t.Errorf("the log does not say %q:\n%s", c.says, s.log)
			}
			s.must(os.Chmod(filepath.Join(s.dir, "home"), 0o755))
			s.update("1.2.0") // what was lost is made again
		})
	}
	t.Run("owner", func(t *testing.T) {
		other, err := strconv.Atoi(need.OtherUser(t).Uid)
		s := newScene(t)
		s.must(err)
		s.update("1.1.0")
		s.must(os.Lchown(filepath.Join(s.dir, "home", "a", "bin", "tcenvsvr"), other, -1))
		s.wantChoice("1.0.0", false)
		if !strings.Contains(s.log.String(), "does not belong to the user with id 0") {
			t.Errorf("the log does not say whose it is:\n%s", s.log)
		}
		s.must(os.Lchown(filepath.Join(s.dir, "home", "a", "bin"), other, -1))
		s.offer("1.2.0")
		s.wantCode(s.apply(), "folder", "does not belong to the user with id 0")
	})
	t.Run("previous", func(t *testing.T) {
		s := newScene(t)
		s.update("1.1.0")
		s.update("1.2.0")
		s.must(os.Remove(filepath.Join(s.dir, "home", "b", "bin", "tcenvsvr")))
		s.wantChoice("1.1.0", false)
		s.update("1.3.0")
	})
	t.Run("link's folder", func(t *testing.T) {
		s := newScene(t)
		s.must(os.Chmod(filepath.Join(s.dir, "run"), 0o777))
		if _, err := s.slots().Select(); err == nil || !strings.Contains(err.Error(), "may be written by others") {
			t.Errorf("got %v, want that others may write", err)
		}
	})
}

func TestARevokedProgramIsNotStartedAgain(t *testing.T) {
	s := newScene(t)
	s.update("1.1.0")
	s.update("1.2.0")
	s.revoked = []string{sum(version("1.2.0"))}
	s.publish()
	s.wantCode(s.apply(), "none", "no program in the inbox is signed") // nothing to install, but the word counts
	s.wantChoice("1.1.0", false)
	if m := s.status().Bad; len(m) != 1 || m[0].Class != handover.Revoked {
		t.Errorf("got marks %+v", m)
	}
}

func TestUmaskChangesNoMode(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	s := newScene(t)
	s.must(os.RemoveAll(filepath.Join(s.dir, "run")))
	s.must(os.RemoveAll(filepath.Join(s.dir, "home", "a")))
	s.must(os.Chmod(filepath.Join(s.dir, "home"), 0o755))
	s.update("1.1.0")
	for path, want := range map[string]fs.FileMode{
		"home/a": 0o755, "home/a/bin": 0o755, "home/a/bin/tcenvsvr": 0o755, "run": 0o755, "run/status.json": 0o644, "lib/state.json": 0o600, "lib/audit.jsonl": 0o600,
	} {
		info, err := os.Stat(filepath.Join(s.dir, path))
		s.must(err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}
