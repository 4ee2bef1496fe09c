//go:build unix

package textfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/logging/textfile"
)

// TestHostileFolder: what others put there is not followed, written to or replaced; the mode is exact.
func TestHostileFolder(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "x.prom")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, put := range map[string]func() error{
		"a link":   func() error { return os.Symlink(victim, path) },
		"a folder": func() error { return os.Mkdir(path, 0o700) },
		"a pipe":   func() error { return unix.Mkfifo(path, 0o600) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{textfile.Write(path, []byte("x")), textfile.Check(path), textfile.Remove(path)} {
			if err == nil || !strings.Contains(textfile.Hint(path, "ada", err), "remove") {
				t.Errorf("%s: got %v", what, err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(victim, filepath.Join(dir, ".x.prom.tmp")); err != nil {
		t.Fatal(err)
	}
	if err := textfile.Write(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(victim); string(got) != "mine" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o644 {
		t.Errorf("got %v, %v", info, err)
	}
	if err := textfile.Write(filepath.Join(dir, "none", "x.prom"), nil); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: got %v", err)
	}
}
