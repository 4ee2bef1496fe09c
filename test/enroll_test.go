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
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/journal"
)

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
	s.refuses(a, "what answers is not the cloud that made this link", "enroll", link[:at]+strings.Repeat("0", len(link)-at), "--yes", "--master-key-file", key)
	if _, err := os.Stat(a.Home); err == nil {
		t.Error("a refused link left something")
	}
	s.refuses(a, `reaching proxy "http://127.0.0.1:1"`, "enroll", link, "--yes", "--master-key-file", key,
		"--proxyTC", "true", "--proxyHost", "127.0.0.1", "--proxyPort", "1")
	s.refuses(a, "there is no terminal to ask whether this is wanted", "enroll", link, "--master-key-file", key)
	out, err := s.tcenvsvr(a, "enroll", link, "--yes", "--master-key-file", key)
	s.must(err, "enrolling by a link: "+out)
	s.refuses(a, "the link is not good", "enroll", link, "--yes")
	secrets := s.secretsOf(a)
	if !strings.Contains(out, "next, as root:\n") || strings.Contains(out, "keychain unlock") || !strings.HasSuffix(out, "tcenvsvr status\n") {
		t.Errorf("what is to be done next is not said:\n%s", out)
	}
	out, err = s.tcenvsvr(a, "verify")
	s.must(err, "verifying: "+out)

	t.Run("another server", func(t *testing.T) {
		s := s.withT(t)
		j, err := journal.Open(s.paths(a).Journal, nil)
		s.must(err, "opening the journal")
		_, err = j.Accept(journal.Entry{Order: wire.Order{Ref: wire.Ref{Order: "unreported", Attempt: 1}}, State: wire.StateAccepted})
		s.must(errors.Join(err, j.Close()), "leaving something unreported")
		s.refuses(a, "1 orders or results that the cloud does not have yet would be lost", "enroll", s.bundle(c, "lab", "two"), "--yes")
		s.refuses(a, "the link is used up by now", "enroll", s.bundle(c, "lab", "three", "--link"), "--yes")
	})
	t.Run("another Environment", func(t *testing.T) {
		s := s.withT(t)
		before := s.enrollmentFiles(a)
		xid, err := a.Do(s.ctx, "settings", "get", "serverXid")
		s.must(err, "asking for the server's name")
		move := s.bundle(c, "prod", "move", "--kind", "env", "--server", strings.TrimSpace(xid))
		out, err := s.tcenvsvr(a, "enroll", move, "--yes")
		s.must(err, "moving to another Environment: "+out)
		if !strings.Contains(out, "lab → prod") || strings.Contains(out, "serverXid") || !bytes.Equal(before["keystore.p12"], s.enrollmentFiles(a)["keystore.p12"]) {
			t.Errorf("the identity was not kept:\n%s", out)
		}
	})
	t.Run("an unpacked bundle of a newer cloud", func(t *testing.T) {
		s := s.withT(t)
		folder := filepath.Join(s.Dir, "unpacked")
		s.must(unpack(s.bundle(c, "lab", "unpacked"), folder), "unpacking a bundle")
		env := filepath.Join(folder, "threatconnect-envsvr", ".tcenvsvr", "environment.env")
		text, err := os.ReadFile(env)
		s.must(err, "reading its settings")
		text = append(text, "brokerFlavour=of-tomorrow\n"...)
		text = append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
		s.must(os.WriteFile(env, text, 0o600), "editing them on Windows")
		out, err := s.tcenvsvr(s.Home("by-folder"), "enroll", folder, "--yes", "--master-key-file", key)
		s.must(err, "enrolling by a folder: "+out)
		if !strings.Contains(out, `the bundle has the setting "brokerFlavour", which this version does not know: it is not used`) || strings.Contains(out, "of-tomorrow") {
			t.Errorf("enroll says of what it does not know:\n%s", out)
		}
	})
	t.Run("killed", func(t *testing.T) { s.withT(t).enrollmentKilled(c, a) })
	t.Run("revoked", func(t *testing.T) {
		s := s.withT(t)
		b, err := c.Enroll(s.ctx, "lab", "b")
		s.must(err, "enrolling")
		xid, err := b.Do(s.ctx, "settings", "get", "serverXid")
		s.must(err, "asking for the server's name")
		_, err = c.Do(s.ctx, "server", "revoke", strings.TrimSpace(xid))
		s.must(err, "revoking")
		s.refuses(b, "the cloud does not take this server: proving the broker", "verify")
	})
	t.Run("none", func(t *testing.T) {
		s := s.withT(t)
		out, err := s.tcenvsvr(a, "unenroll", "--yes")
		s.must(err, "unenrolling: "+out)
		if strings.Contains(out, "was not told") {
			t.Errorf("the cloud was not told:\n%s", out)
		}
		for name, data := range s.enrollmentFiles(a) {
			if name == "settings.yaml" == (data == nil) || bytes.Contains(data, []byte("ENC[")) {
				t.Errorf("left: %s", name)
			}
		}
		s.refuses(a, "not enrolled", "unenroll", "--yes")
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
	s.refuses(s.Home("none"), "install it, and enroll with the bundle of an Environment", "enroll", added, "--yes")
}

// unpack writes the files of a ZIP below a folder.
func unpack(file, folder string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	return os.CopyFS(folder, z)
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
