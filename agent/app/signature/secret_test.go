package signature

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"tcenvsvr/test/need"
)

func TestEncryptedKeyOpensWithItsPasswordOnly(t *testing.T) {
	k, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.encode([]byte("correct horse"), 1<<16, 1<<21) // cheap: the password is no secret
	if err != nil {
		t.Fatal(err)
	}
	ask := func(word string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(word), nil } }
	got, err := ParseSecretKey(text, ask("correct horse"))
	if err != nil || got.Public() != k.Public() || !bytes.Equal(got.key, k.key) {
		t.Errorf("got %v, %v, want the same key", got.Public(), err)
	}
	for name, password := range map[string]func() ([]byte, error){"wrong": ask("battery staple"), "empty": ask(""), "none": nil} {
		if _, err := ParseSecretKey(text, password); !errors.Is(err, ErrPassword) {
			t.Errorf("%s password: got %v, want ErrPassword", name, err)
		}
	}
	cancelled := errors.New("cancelled")
	if _, err := ParseSecretKey(text, func() ([]byte, error) { return nil, cancelled }); !errors.Is(err, cancelled) {
		t.Errorf("password not given: got %v", err)
	}
	theirs, err := minisign.DecryptKey("correct horse", bytes.TrimSpace(text))
	if err != nil {
		t.Fatalf("another implementation: %v", err)
	}
	if public := theirs.Public().(minisign.PublicKey).String(); !strings.Contains(public, k.Public().String()) {
		t.Errorf("another implementation reads %v, want %v", public, k.Public())
	}
}

func TestMinisignOpensOurEncryptedKey(t *testing.T) {
	tool := need.Tool(t, "minisign")
	k, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.encode([]byte("pw"), 1<<16, 1<<21)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.key")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(tool, "-S", "-s", path, "-m", path, "-x", path+".minisig")
	c.Stdin = strings.NewReader("pw\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s, err := Read(path + ".minisig")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(bytes.NewReader(text), k.Public()); err != nil {
		t.Error(err)
	}
}

func TestCostIsLibsodiums(t *testing.T) {
	for name, c := range map[string]struct {
		ops, mem uint64
		n, r, p  int
	}{
		"interactive":   {524288, 16 << 20, 1 << 14, 8, 1},
		"sensitive":     {33554432, 1 << 30, 1 << 20, 8, 1},
		"ours":          {ops, mem, 1 << 18, 8, 1},
		"much memory":   {1 << 20, 1 << 30, 1 << 15, 8, 1},
		"little memory": {1 << 25, 16 << 20, 1 << 14, 8, 64},
		"nothing":       {0, 0, 2, 8, 512},
	} {
		if n, r, p := cost(c.ops, c.mem); n != c.n || r != c.r || p != c.p {
			t.Errorf("%s: got N=%d r=%d p=%d, want N=%d r=%d p=%d", name, n, r, p, c.n, c.r, c.p)
		}
	}
}
