package become

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/test/need"
)

// Numbers that no user of this host has.
const agent, other = 47110, 47111

// tree makes folders and files: "name", "name/", or "name -> target", with an owner and a mode.
type entry struct {
	name  string
	owner int
	mode  os.FileMode
}

func tree(t *testing.T, entries ...entry) string {
	t.Helper()
	base := t.TempDir()
	for _, e := range entries {
		var err error
		name, target, link := strings.Cut(e.name, " -> ")
		path := filepath.Join(base, name)
		switch {
		case link:
			err = os.Symlink(strings.ReplaceAll(target, "$BASE", base), path)
		case strings.HasSuffix(name, "/"):
			err = os.Mkdir(path, 0o700)
		default:
			err = os.WriteFile(path, []byte("text"), 0o600)
		}
		if err == nil {
			err = os.Lchown(path, e.owner, e.owner)
		}
		if err == nil && !link {
			err = os.Chmod(path, e.mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return base
}

func TestOwner(t *testing.T) {
	need.Root(t)
	for _, tc := range []struct {
		name    string
		entries []entry
		path    string
		want    int   // 0 is nobody but root
		is      error // nil = none
	}{
		{"the agent's below root's", []entry{{"home/", 0, 0o755}, {"home/state/", agent, 0o711}}, "home/state", agent, nil},
		{"what is not there below the agent's", []entry{{"home/", 0, 0o755}, {"home/state/", agent, 0o711}}, "home/state/logs/x", agent, nil},
		{"what is not there below root's", []entry{{"home/", 0, 0o755}}, "home/state", 0, nil},
		{"root's", []entry{{"home/", 0, 0o755}, {"home/state/", 0, 0o700}}, "home/state", 0, nil},
		{"root's below the agent's", []entry{{"home/", agent, 0o755}, {"home/state/", 0, 0o700}}, "home/state", agent, nil},
		{"through the agent's link to root's", []entry{{"home/", 0, 0o755}, {"root/", 0, 0o700}, {"home/state -> ../root", agent, 0}}, "home/state", agent, nil},
		{"through root's link to the agent's", []entry{{"home/", 0, 0o755}, {"srv/", agent, 0o700}, {"home/state -> $BASE/srv", 0, 0}}, "home/state", agent, nil},
		{"through the agent's folder and back up", []entry{{"home/", 0, 0o755}, {"srv/", agent, 0o700}, {"home/state -> ../srv/..", 0, 0}}, "home/state", agent, nil},
		{"two users'", []entry{{"home/", other, 0o755}, {"home/state/", agent, 0o700}}, "home/state", 0, ErrMixed},
		{"root's that anybody may exchange", []entry{{"home/", 0, 0o777}, {"home/state/", 0, 0o700}}, "home/state", 0, ErrOpen},
		{"root's in a sticky folder", []entry{{"home/", 0, 0o777 | os.ModeSticky}, {"home/state/", 0, 0o700}}, "home/state", 0, nil},
		{"the agent's in a sticky folder", []entry{{"home/", 0, 0o777 | os.ModeSticky}, {"home/state/", agent, 0o700}}, "home/state", agent, nil},
		{"the agent's that anybody may exchange", []entry{{"home/", 0, 0o777}, {"home/state/", agent, 0o700}}, "home/state", agent, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := Owner(filepath.Join(tree(t, tc.entries...), tc.path))
			if !errors.Is(err, tc.is) {
				t.Fatalf("got %v, want %v", err, tc.is)
			}
			if got := uidOf(u); got != tc.want {
				t.Errorf("got user %d, want %d", got, tc.want)
			}
		})
	}
	group := tree(t, entry{"home/", 0, 0o775}, entry{"home/state/", 0, 0o700})
	if err := errors.Join(os.Chown(filepath.Join(group, "home"), 0, agent), os.Chmod(filepath.Join(group, "home"), 0o775)); err != nil {
		t.Fatal(err)
	}
	if _, err := Owner(filepath.Join(group, "home/state")); !errors.Is(err, ErrOpen) ||
		!strings.Contains(err.Error(), fmt.Sprintf("others may write %q\nhint: chmod go-w %[1]s, or run this as another user than root", group+"/home")) {
		t.Errorf("a folder that a group may write: %v", err)
	}
	mixed := tree(t, entry{"home/", other, 0o755}, entry{"home/state/", agent, 0o700})
	if _, err := Owner(filepath.Join(mixed, "home/state")); err == nil ||
		!strings.Contains(err.Error(), "users 47111, 47110 could each exchange it or a folder above it\nhint: run this as one of them, or give the folders to one") {
		t.Errorf("a folder of two: %v", err)
	}
	loop := tree(t, entry{"a -> b", 0, 0}, entry{"b -> a", 0, 0})
	if _, err := Owner(filepath.Join(loop, "a")); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("links in a circle: %v", err)
	}
}

func uidOf(u *User) int {
	if u == nil {
		return 0
	}
	return u.UID
}

// What an administrator names is opened as root, unless the user could have put it there.
func TestOpen(t *testing.T) {
	need.Root(t)
	u := &User{UID: agent, GID: agent, Name: "agent"}
	for _, tc := range []struct {
		name    string
		entries []entry
		path    string
		opened  bool
		refused string
	}{
		{"root's", []entry{{"root/", 0, 0o700}, {"root/bundle", 0, 0o600}}, "root/bundle", true, ""},
		{"an administrator's", []entry{{"alice/", other, 0o700}, {"alice/bundle", other, 0o600}}, "alice/bundle", true, ""},
		{"the agent's", []entry{{"bundle", agent, 0o600}}, "bundle", false, ""},
		{"in the agent's folder", []entry{{"state/", agent, 0o700}, {"state/bundle", 0, 0o600}}, "state/bundle", false, ""},
		{"the agent's link to root's", []entry{{"shadow", 0, 0o600}, {"bundle -> shadow", agent, 0}}, "bundle", false, ""},
		{"root's link to root's", []entry{{"real", 0, 0o600}, {"bundle -> real", 0, 0}}, "bundle", true, ""},
		{"where the agent may exchange it", []entry{{"all/", 0, 0o777}, {"all/bundle", 0, 0o600}}, "all/bundle", false, ""},
		{"in a sticky folder", []entry{{"tmp/", 0, 0o777 | os.ModeSticky}, {"tmp/bundle", 0, 0o600}}, "tmp/bundle", true, ""},
		{"an administrator's link to root's", []entry{{"alice/", other, 0o700}, {"shadow", 0, 0o600}, {"alice/bundle -> ../shadow", other, 0}}, "alice/bundle", false, "it belongs to user 0, but the folder above it to 47111, who could have put anything there"},
		{"what is not there", nil, "bundle", false, "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := u.Open(filepath.Join(tree(t, tc.entries...), tc.path))
			if f != nil {
				defer f.Close()
			}
			switch {
			case tc.refused != "":
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Errorf("got %v, want a refusal: %s", err, tc.refused)
				}
			case err != nil:
				t.Error(err)
			case (f != nil) != tc.opened:
				t.Errorf("opened: %v, want %v", f != nil, tc.opened)
			}
		})
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.WriteString("from a pipe")
	_ = w.Close()
	f, err := u.Open(fmt.Sprintf("/dev/fd/%d", r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(f); string(text) != "from a pipe" {
		t.Errorf("got %q", text)
	}
}

func TestCreate(t *testing.T) {
	need.Root(t)
	u := &User{UID: agent, GID: agent, Name: "agent"}
	base := tree(t, entry{"root/", 0, 0o755}, entry{"state/", agent, 0o755}, entry{"there", 0, 0o600}, entry{"link -> nowhere", agent, 0})
	f, err := u.Create(filepath.Join(base, "root/out"))
	if err != nil || f == nil {
		t.Fatalf("in root's folder: %v, %v", f, err)
	}
	_ = f.Close()
	if info, err := os.Stat(filepath.Join(base, "root/out")); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	for _, path := range []string{"state/out", "link"} {
		if f, err := u.Create(filepath.Join(base, path)); f != nil || err != nil {
			t.Errorf("%s: got %v, %v; want it left to the user", path, f, err)
		}
	}
	if _, err := u.Create(filepath.Join(base, "there")); !errors.Is(err, os.ErrExist) {
		t.Errorf("what is there: %v", err)
	}
}

// A process that dropped is the user in everything, and closed to the user's other processes.
func TestDrop(t *testing.T) {
	need.Root(t)
	base := tree(t, entry{"home/", 0, 0o755}, entry{"home/state/", agent, 0o711})
	c := playing("drop", "BECOME_TEST_PATH="+filepath.Join(base, "home/state"), "HOME=/root", "TMPDIR=/root/tmp")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if want := fmt.Sprintf("%d %d %d %d / \n", agent, agent, agent, agent); err != nil || line != want {
		t.Errorf("got %q, %v; want %q", line, err, want)
	}
	// The user's other processes: memory, descriptors and environment are closed.
	for _, file := range []string{"mem", "environ", "fd/0", "maps"} {
		cat := exec.Command("/bin/head", "-c1", fmt.Sprintf("/proc/%d/%s", c.Process.Pid, file))
		cat.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: agent, Gid: agent}}
		if text, err := cat.CombinedOutput(); err == nil {
			t.Errorf("/proc/PID/%s is open to the user's other processes: %q", file, text)
		}
	}
	_, _ = in.Write([]byte("x"))
	if err := c.Wait(); err != nil {
		t.Errorf("%v: %s", err, said.String())
	}
}

func TestRun(t *testing.T) {
	need.Root(t)
	base := tree(t, entry{"state/", agent, 0o711})
	t.Setenv("SECRET", "of root's")
	got, err := Run(t.Context(), filepath.Join(base, "state"), "role=id")
	if want := fmt.Sprintf("%d %d  %d\n", agent, agent, agent); err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := Run(t.Context(), filepath.Join(base, "state"), "role=flood"); err == nil || !strings.Contains(err.Error(), "answered more than") {
		t.Errorf("a flood: %v", err)
	}
	if _, err := Run(t.Context(), filepath.Join(base, "state"), "role=none"); err == nil || !strings.Contains(err.Error(), "no such role") {
		t.Errorf("a failure: %v", err)
	}
}
