package roots

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/test/need"
)

func TestSystem(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what other systems have is theirs")
	}
	f, err := System()
	if err != nil || len(f.Certs) < 50 || f.Skipped != 0 {
		t.Errorf("%d CAs of %q, %d skipped, %v", len(f.Certs), f.Place, f.Skipped, err)
	}
}

func TestJava(t *testing.T) {
	java, _ := need.Java(t)
	file, ok := JavaFile(java)
	if !ok {
		t.Fatalf("no cacerts of %s", java)
	}
	f, err := Java(file)
	if err != nil || len(f.Certs) < 50 || f.Skipped != 0 {
		t.Errorf("%d CAs of %q, %d skipped, %v", len(f.Certs), file, f.Skipped, err)
	}
	if d, err := Distrusted(file); len(d) == 0 || err != nil {
		t.Errorf("%s says nothing: %v", blockedCerts(file), err)
	}
}

// TestDistrustUnread: a list that is there and cannot be read is not taken for none.
func TestDistrustUnread(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cacerts")
	if _, err := Distrusted(file); err != nil {
		t.Errorf("without a list: %v", err)
	}
	if err := os.Mkdir(blockedCerts(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Distrusted(file); err == nil || !strings.Contains(err.Error(), blockedCerts(file)) {
		t.Errorf("a list that cannot be read: %v", err)
	}
}

func TestPythonFindsCertifiByLinksAndInEnvironments(t *testing.T) {
	dir := t.TempDir()
	ca := certstest.New(t)
	want := certstest.File(t, filepath.Join(dir, "py", "lib", "python3.11", "site-packages", "certifi"), "cacert.pem", ca.PEM())
	certstest.File(t, filepath.Join(dir, "py", "lib", "python3.9", "site-packages", "other"), "x.py")
	program := certstest.File(t, filepath.Join(dir, "py", "bin"), "python3.11")
	link := filepath.Join(dir, "python3")
	if err := os.Symlink(program, link); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{program, link} {
		if file, ok := new(Places).PythonFile(name); !ok || filepath.Base(filepath.Dir(file)) != "certifi" {
			t.Errorf("%s: got %q, want %q", name, file, want)
		}
	}
	if f, err := Python(want); err != nil || len(f.Certs) != 1 {
		t.Errorf("got %v, %v", f.Certs, err)
	}
	if file, ok := new(Places).PythonFile(filepath.Join(dir, "none")); ok {
		t.Errorf("got %q", file)
	}
}

func TestDistrust(t *testing.T) {
	dir := t.TempDir()
	blocked, rejected, listed, trusted := certstest.New(t), certstest.New(t), certstest.New(t), certstest.New(t)
	d := Distrust{}
	d.addCertificates(certstest.File(t, dir, "blocked.pem", blocked.PEM()))
	d.addFingerprints(certstest.File(t, dir, "blocked.certs", []byte("Algorithm=SHA-256\n"+cert.Fingerprint(listed.Cert)+"\n")))
	// The trailer of openssl x509 -addreject serverAuth, and of -addtrust serverAuth.
	serverAuth := []byte{0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01}
	reject := slices.Concat([]byte{0x30, 12, 0xa0, 10}, serverAuth)
	trust := slices.Concat([]byte{0x30, 12, 0x30, 10}, serverAuth)
	block := func(p certstest.Pair, aux []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: slices.Concat(p.Cert.Raw, aux)})
	}
	d.addRejected("ca-bundle.trust.crt", slices.Concat(block(rejected, reject), block(trusted, trust)))
	for _, p := range []certstest.Pair{blocked, rejected, listed} {
		if d[cert.Fingerprint(p.Cert)] == "" {
			t.Errorf("%s is not distrusted", cert.Fingerprint(p.Cert))
		}
	}
	if len(d) != 3 {
		t.Errorf("got %v", d)
	}
}

// TestPlaces: a Python that comes, or goes, is noticed, although its folder's list is remembered.
func TestPlaces(t *testing.T) {
	home := t.TempDir()
	python := filepath.Join(home, "bin", "python3")
	var p Places
	file := func(version string) string {
		return filepath.Join(home, "lib", version, "site-packages", "certifi", "cacert.pem")
	}
	long := time.Now().Add(-time.Hour)
	for i, version := range []string{"python3.11", "python3.12"} {
		if err := os.MkdirAll(filepath.Dir(file(version)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(home, "lib"), long, long.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
		if got, ok := p.PythonFile(python); ok && got == file(version) {
			t.Errorf("%q was found before it was there", got)
		}
		if len(p.lists) == 0 {
			t.Error("nothing is remembered")
		}
		if err := os.WriteFile(file(version), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := p.PythonFile(python); !ok || got != file(version) {
			t.Errorf("found %q, want %q", got, file(version))
		}
	}
	if err := os.RemoveAll(filepath.Join(home, "lib", "python3.12")); err != nil {
		t.Fatal(err)
	}
	if got, ok := p.PythonFile(python); !ok || got != file("python3.11") {
		t.Errorf("found %q, want %q", got, file("python3.11"))
	}
}
