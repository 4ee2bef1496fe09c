package signature_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/test/need"
)

func TestSecretKeyFileIsItsOwnersAndNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	k := newKey(t)
	if err := signature.WriteSecretKey(path, k, nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), fs.FileMode(0o600); runtime.GOOS != "windows" && got != want {
		t.Errorf("got mode %v, want %v", got, want)
	}
	if err := signature.WriteSecretKey(path, newKey(t), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key in its place: got %v, want %v", err, fs.ErrExist)
	}
	got, err := signature.ReadSecretKey(path, nil)
	if err != nil || got.Public() != k.Public() {
		t.Errorf("got %v, %v, want the first key", got.Public(), err)
	}
	if _, err := signature.ReadSecretKey(path+"x", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestSecretKeyIsNotPrinted(t *testing.T) {
	k := newKey(t)
	type holder struct{ K signature.SecretKey }
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "k", k, "h", holder{k})
	asJSON, err := json.Marshal(holder{k})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		all += "\n" + fmt.Sprintf(verb+verb, k, holder{k})
	}
	seed := k.Ed25519().Seed()
	for _, form := range []string{"%x", "%X", "%d", "%s"} {
		if secret := strings.Trim(fmt.Sprintf(form, seed), "[]"); strings.Contains(all, secret) {
			t.Errorf("the key is printed: %s", all)
		}
	}
	if n := strings.Count(all, "[redacted]"); n != 19 {
		t.Errorf("got [redacted] %d times, want 19: %s", n, all)
	}
}

// The real tool, in both directions.
func TestMinisignItself(t *testing.T) {
	tool := need.Tool(t, "minisign")
	dir := t.TempDir()
	run := func(input string, args ...string) {
		t.Helper()
		c := exec.Command(tool, args...)
		c.Dir, c.Stdin = dir, strings.NewReader(input)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("minisign %v: %v\n%s", args, err, out)
		}
	}
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	app := bytes.Repeat([]byte("App"), 100_000)
	write("a.tcx", app)

	ours := newKey(t)
	write("ours.pub", ours.Public().Encode())
	write("a.tcx.minisig", sign(t, ours, string(app)).Encode())
	run("", "-V", "-p", "ours.pub", "-m", "a.tcx")
	run("", "-V", "-H", "-P", ours.Public().String(), "-m", "a.tcx")

	verify := func(name string) {
		t.Helper()
		s, err := signature.Read(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(bytes.NewReader(app), ours.Public()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := signature.WriteSecretKey(filepath.Join(dir, "plain.key"), ours, nil); err != nil {
		t.Fatal(err)
	}
	run("", "-S", "-s", "plain.key", "-m", "a.tcx", "-x", "hashed.minisig", "-t", "a comment of ours")
	verify("hashed.minisig")
	run("", "-S", "-l", "-s", "plain.key", "-m", "a.tcx", "-x", "legacy.minisig")
	verify("legacy.minisig")
}

func TestOpensMinisignsEncryptedKey(t *testing.T) {
	k, err := signature.ReadSecretKey("testdata/encrypted.key", func() ([]byte, error) { return []byte("pw"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(k.Public().Encode()), testdata(t, "encrypted.pub"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
