package hostwide

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/certs/certstest"
	"tcenvsvr/test/need"
)

func TestWrapperAndBack(t *testing.T) {
	python := need.Python(t)
	dir := t.TempDir()
	bin := filepath.Join(dir, "py", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "python")
	if err := os.Symlink(python, program); err != nil {
		t.Fatal(err)
	}
	bundle := certstest.File(t, dir, "it's a bundle.pem", certstest.New(t).PEM())
	w := Wrapper{Python: program, Bundle: bundle}
	run := func(file string) (stdout, stderr string) {
		t.Helper()
		cmd := exec.Command(file, "-c", "import os, sys; print(os.environ.get('REQUESTS_CA_BUNDLE'), sys.argv[1:])", "a b", "")
		cmd.Env = []string{"PATH=/usr/bin:/bin"}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, &errs)
		}
		return string(out), errs.String()
	}
	for range 2 {
		if err := w.Install(); err != nil {
			t.Fatal(err)
		}
		if out, _ := run(program); out != bundle+" ['a b', '']\n" {
			t.Errorf("the wrapped Python says %q", out)
		}
	}
	_ = os.Remove(bundle)
	if out, said := run(program); !strings.HasPrefix(out, "None") || !strings.Contains(said, "cannot read the trusted CAs") {
		t.Errorf("without a bundle: %q, %q", out, said)
	}
	if err := w.Undo(); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(program); err != nil || target != python {
		t.Errorf("after undo it is %q, %v", target, err)
	}
	if _, err := os.Lstat(filepath.Join(bin, realName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("tcpython stayed: %v", err)
	}
	if err := w.Undo(); !errors.Is(err, ErrNoWrapper) {
		t.Errorf("undo twice: %v", err)
	}

	beside := Wrapper{Python: program, At: filepath.Join(dir, "wrapped"), Bundle: bundle}
	if err := beside.Install(); err != nil {
		t.Fatal(err)
	}
	run(beside.At)
	if err := beside.Undo(); err != nil || exists(beside.At) {
		t.Errorf("undo beside: %v", err)
	}
	certstest.File(t, dir, "wrapped", []byte("somebody's"))
	if err := beside.Install(); err == nil {
		t.Error("somebody's file was replaced")
	}
	if err := (Wrapper{Python: certstest.File(t, dir, "notes.txt")}).Install(); err == nil || !strings.Contains(err.Error(), "it is not a program") {
		t.Errorf("a text: %v", err)
	}
	if err := (Wrapper{Python: "/usr/bin/env"}).Install(); !errors.Is(err, ErrDistribution) {
		t.Errorf("a program of the distribution: %v", err)
	}
}

// The real update-ca-certificates works on folders of the test's.
func TestAnchorsAndBack(t *testing.T) {
	tool := need.Tool(t, "update-ca-certificates")
	dir := t.TempDir()
	local, etc, hooks := filepath.Join(dir, "local"), filepath.Join(dir, "etc"), filepath.Join(dir, "hooks")
	for _, d := range []string{local, etc, hooks} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	conf := certstest.File(t, dir, "ca-certificates.conf")
	a := Anchors{Dir: local, Ending: ".crt", Command: []string{tool, "--certsconf", conf, "--certsdir", filepath.Join(dir, "none"), "--localcertsdir", local, "--etccertsdir", etc, "--hooksdir", hooks}}
	ca, other := certstest.New(t), certstest.New(t)
	foreign := certstest.File(t, local, "theirs.crt", certstest.New(t).PEM())
	bundle := func() string {
		data, err := os.ReadFile(filepath.Join(etc, "ca-certificates.crt"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	sync := func(wantWritten, wantRemoved int, list ...*x509.Certificate) {
		t.Helper()
		written, removed, err := a.Sync(t.Context(), list)
		if err != nil || written != wantWritten || removed != wantRemoved {
			t.Errorf("wrote %d, removed %d, %v; want %d, %d", written, removed, err, wantWritten, wantRemoved)
		}
	}
	sync(2, 0, ca.Cert, other.Cert)
	if text := bundle(); !strings.Contains(text, string(ca.PEM())) {
		t.Error("the host does not trust the CA")
	}
	sync(0, 1, ca.Cert)
	sync(0, 1)
	if text := bundle(); strings.Contains(text, string(ca.PEM())) || !exists(foreign) {
		t.Error("undo left the CA, or took somebody else's")
	}
	a.Command = []string{"/bin/false"}
	if _, _, err := a.Sync(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "/bin/false") {
		t.Errorf("a tool that fails: %v", err)
	}
}
