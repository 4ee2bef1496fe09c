package test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/journal"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/stage"
)

// tcenvsvr runs a verb on a home and returns all it printed.
func (s *scene) tcenvsvr(a *stage.Agent, args ...string) (string, error) {
	out, err := exec.CommandContext(s.ctx, s.AgentBin, append(args, "--home", a.Home)...).CombinedOutput()
	return string(out), err
}

// refused wants a verb to fail for a reason and to change no file of the agent's state.
func (s *scene) refused(a *stage.Agent, reason string, args ...string) {
	s.t.Helper()
	before := s.state(a)
	out, err := s.tcenvsvr(a, args...)
	if err == nil || !strings.Contains(out, reason) {
		s.t.Errorf("%s: got %v, want %q in:\n%s", args[0], err, reason, out)
	}
	for name, data := range s.state(a) {
		if !bytes.Equal(before[name], data) {
			s.t.Errorf("%s: %s changed", reason, name)
		}
	}
}

// state is what an enrollment writes.
func (s *scene) state(a *stage.Agent) map[string][]byte {
	s.t.Helper()
	p := s.paths(a)
	files := map[string][]byte{}
	for _, file := range []string{p.Settings, p.Keychain, p.Keystore, p.Keystore + ".next"} {
		data, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			s.t.Fatal(err)
		}
		files[filepath.Base(file)] = data
	}
	return files
}

func (s *scene) paths(a *stage.Agent) paths.Paths {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the agent's files")
	return p
}

// bundle makes a bundle, or a link to one, and returns what enroll takes.
func (s *scene) bundle(c *stage.Cloud, environment, name string, flags ...string) string {
	s.t.Helper()
	args := append([]string{"bundle", environment, "--name", name}, flags...)
	file := filepath.Join(s.Dir, name+".zip")
	if len(flags) == 0 || flags[0] != "--link" {
		args = append(args, "-o", file)
	}
	out, err := c.Do(s.ctx, args...)
	s.must(err, "making a bundle")
	if strings.HasPrefix(out, "https://") {
		return strings.TrimSpace(out)
	}
	return file
}

// TestEnrollment: how a host becomes a server, another one, the same one elsewhere, and none.
func TestEnrollment(t *testing.T) {
	s := newScene(t)
	c := s.cloud("lab")
	_, err := c.Do(s.ctx, "env", "create", "prod")
	s.must(err, "creating another Environment")
	key := filepath.Join(s.Dir, "one-masterkey")
	s.must(os.WriteFile(key, []byte("correct horse battery"), 0o600), "writing a master password")
	a := s.Home("one")

	// A link works for the cloud that made it, and once.
	link := s.bundle(c, "lab", "one", "--link")
	at := strings.LastIndex(link, "=") + 1
	s.refused(a, "what answers is not the cloud that made this link", "enroll", link[:at]+strings.Repeat("0", len(link)-at), "--yes", "--master-key-file", key)
	if _, err := os.Stat(a.Home); err == nil {
		t.Error("a refused link left something")
	}
	s.refused(a, `reaching proxy "http://127.0.0.1:1"`, "enroll", link, "--yes", "--master-key-file", key,
		"--proxyTC", "true", "--proxyHost", "127.0.0.1", "--proxyPort", "1")
	s.refused(a, "there is no terminal to ask whether this is wanted", "enroll", link, "--master-key-file", key)
	out, err := s.tcenvsvr(a, "enroll", link, "--yes", "--master-key-file", key)
	s.must(err, "enrolling by a link: "+out)
	s.refused(a, "the link is not good", "enroll", link, "--yes")
	secrets := s.secretsOf(a)

	t.Run("another server", func(t *testing.T) {
		s := s.in(t)
		j, err := journal.Open(s.paths(a).Journal, nil)
		s.must(err, "opening the journal")
		_, err = j.Accept(journal.Entry{Order: wire.Order{Ref: wire.Ref{Order: "unreported", Attempt: 1}}, State: wire.StateAccepted})
		s.must(errors.Join(err, j.Close()), "leaving something unreported")
		s.refused(a, "1 orders or results that the cloud does not have yet would be lost", "enroll", s.bundle(c, "lab", "two"), "--yes")
		s.refused(a, "the link is used up by now", "enroll", s.bundle(c, "lab", "three", "--link"), "--yes")
	})
	t.Run("another Environment", func(t *testing.T) {
		s := s.in(t)
		before := s.state(a)
		xid, err := a.Do(s.ctx, "settings", "get", "serverXid")
		s.must(err, "asking for the server's name")
		move := s.bundle(c, "prod", "move", "--kind", "env", "--server", strings.TrimSpace(xid))
		out, err := s.tcenvsvr(a, "enroll", move, "--yes")
		s.must(err, "moving to another Environment: "+out)
		if !strings.Contains(out, "lab → prod") || strings.Contains(out, "serverXid") || !bytes.Equal(before["keystore.p12"], s.state(a)["keystore.p12"]) {
			t.Errorf("the identity was not kept:\n%s", out)
		}
	})
	t.Run("killed", func(t *testing.T) { s.in(t).enrollmentKilled(c, a) })
	t.Run("none", func(t *testing.T) {
		s := s.in(t)
		out, err := s.tcenvsvr(a, "unenroll", "--yes")
		s.must(err, "unenrolling: "+out)
		if strings.Contains(out, "was not told") {
			t.Errorf("the cloud was not told:\n%s", out)
		}
		for name, data := range s.state(a) {
			if name == "settings.yaml" == (data == nil) || bytes.Contains(data, []byte("ENC[")) {
				t.Errorf("left: %s", name)
			}
		}
		s.refused(a, "not enrolled", "unenroll", "--yes")
	})
	s.silentAbout(secrets...)
}

// TestAllInOne: a bundle with a package of half a hundred megabytes enrolls, from a file and by a
// link, and the package in it is what was added.
func TestAllInOne(t *testing.T) {
	s := newScene(t)
	c := s.cloud("lab")
	name := "threatconnect-envsvr_1.4.2_linux_amd64.tar.gz"
	added := filepath.Join(s.Dir, name)
	s.must(archive(added, s.AgentBin), "making a package")
	out, err := c.Do(s.ctx, "release", "add", added)
	s.must(err, "adding the package: "+out)
	key := filepath.Join(s.Dir, "masterkey")
	s.must(os.WriteFile(key, []byte("correct horse battery"), 0o600), "writing a master password")

	file := s.bundle(c, "lab", "file", "--system", "tar.gz")
	for _, source := range []string{file, s.bundle(c, "lab", "link", "--link", "--kind", "all", "--system", "tar.gz")} {
		a := s.Home("by-" + fmt.Sprint(source == file))
		out, err := s.tcenvsvr(a, "enroll", source, "--yes", "--master-key-file", key)
		s.must(err, "enrolling by an all-in-one: "+out)
		if !strings.Contains(out, "the bundle also has the package "+fmt.Sprintf("%q", name)) {
			t.Errorf("enroll says nothing of the package:\n%s", out)
		}
	}
	z, err := zip.OpenReader(file)
	s.must(err, "opening the bundle")
	defer z.Close()
	inside, err := fs.ReadFile(z, "threatconnect-envsvr/"+name)
	s.must(err, "reading the package in the bundle")
	if outside, err := os.ReadFile(added); err != nil || !bytes.Equal(inside, outside) {
		t.Errorf("the package in the bundle has other bytes (%v)", err)
	}
	s.refused(s.Home("none"), "install it, and enroll with the bundle of an Environment", "enroll", added, "--yes")
}

// archive packs a program as the tar.gz of a release does, not compressed, so that it is large.
func archive(file, program string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	packed, err := gzip.NewWriterLevel(f, gzip.NoCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(packed)
	for _, name := range []string{"tcenvsvr", "tcenvsvr-shim"} {
		err = out.WriteHeader(&tar.Header{Name: "usr/libexec/threatconnect-envsvr/" + name, Mode: 0o755, Size: int64(len(content))})
		if err == nil {
			_, err = out.Write(content)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(out.Close(), packed.Close())
}

// TestRenewal: with certificates that live for less than half a minute an agent stays connected,
// also when it and the cloud are killed in the middle of a renewal.
func TestRenewal(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newScene(t)
	c := s.cloud("lab", "--client-life", "24s")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	p := s.paths(a)
	s.eventually("waiting for a renewed certificate", func() error {
		if _, err := os.Stat(p.Keystore + ".renewed"); err == nil {
			return nil
		}
		return s.renewals(p, 1)
	})
	a.Kill()
	s.start(a, "--appsRunner", "none")
	s.eventually("waiting for the renewed certificate to be in use", func() error { return s.renewals(p, 1) })
	c.Kill()
	s.must(c.Restart(s.ctx), "starting the cloud again")
	s.must(a.Connected(s.ctx), "waiting for the session")
	s.eventually("waiting for the next renewal", func() error { return s.renewals(p, 2) })
	s.must(a.Connected(s.ctx), "waiting for the session")
	if code := a.Stop(20 * time.Second); code != 0 {
		t.Errorf("agent after TERM: got exit code %d, want 0", code)
	}
}

// renewals wants that many in the audit log.
func (s *scene) renewals(p paths.Paths, want int) error {
	text, err := os.ReadFile(p.Audit)
	if n := bytes.Count(text, []byte(`"certificate_renewed"`)); err == nil && n < want {
		err = fmt.Errorf("%d renewals, want %d", n, want)
	}
	return err
}
