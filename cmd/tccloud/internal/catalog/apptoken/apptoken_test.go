package apptoken

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/link/wire"
)

func open(t *testing.T, path string) *Signer {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	s := open(t, path)
	want := wire.Ref{Order: "ord-1", Attempt: 3}
	token := s.Issue(want.Order, want.Attempt, time.Hour)
	if part := strings.Split(token, ":"); part[len(part)-2] != "ord-1" {
		t.Errorf("the last part but one of %q is not the order", token)
	}
	for name, s := range map[string]*Signer{"same process": s, "after a restart": open(t, path)} {
		if got, err := s.Check(token); err != nil || got.Ref != want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	flip := func(i int) string {
		b := []byte(token)
		b[i] ^= 1
		return string(b)
	}
	other := open(t, filepath.Join(t.TempDir(), "key"))
	for name, bad := range map[string]string{
		"empty": "", "one part": "APP", "no MAC": token[:strings.LastIndexByte(token, ':')+1],
		"expiry changed": flip(5), "order changed": strings.Replace(token, "ord-1", "ord-2", 1),
		"MAC changed": flip(len(token) - 1), "another cloud's": other.Issue("ord-1", 3, time.Hour),
		"long": strings.Repeat("A:", 10000),
	} {
		if _, err := s.Check(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestExpiry(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "key"))
	synctest.Test(t, func(t *testing.T) {
		token := s.Issue("ord-1", 1, time.Minute)
		time.Sleep(59 * time.Second)
		if _, err := s.Check(token); err != nil {
			t.Errorf("before its end: %v", err)
		}
		time.Sleep(time.Second)
		ref, err := s.Check(token)
		if !errors.Is(err, ErrExpired) || ref.Order != "ord-1" {
			t.Errorf("after its end: got %v, %v; want ErrExpired with the order", ref, err)
		}
	})
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want mode 0600", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a short key was taken")
	}
}
