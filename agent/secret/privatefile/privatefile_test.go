//go:build unix

package privatefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/test/need"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", "secret", 0o600)
	link, pipe := filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.Symlink(good, link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, path, want string // want is part of the error
		is               error
	}{
		{"good", good, "", nil},
		{"read only", file("read only", "secret", 0o400), "", nil},
		{"world readable", file("world", "secret", 0o604), "mode 0604", ErrUnsafe},
		{"group writable", file("group", "secret", 0o620), "mode 0620", ErrUnsafe},
		{"link", link, "symbolic link", ErrUnsafe},
		{"pipe that nobody writes", pipe, "no regular file", ErrUnsafe},
		{"folder", dir, "see what is in its place, and restore the file from a backup", ErrUnsafe},
		{"large", file("large", strings.Repeat("x", 101), 0o600), "larger than 100 bytes", ErrUnsafe},
		{"missing", filepath.Join(dir, "none"), "none", os.ErrNotExist},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data, err := Read(tc.path, 100)
			if tc.is == nil {
				if err != nil || string(data) != "secret" {
					t.Fatalf("got %q, %v", data, err)
				}
				return
			}
			if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %v with %q", err, tc.is, tc.want)
			}
		})
	}
}

// What another user owns is refused, whoever asks; a file that is open already, because it was
// asked for by name, is not.
func TestAnothersFile(t *testing.T) {
	need.Root(t)
	path := filepath.Join(t.TempDir(), "file")
	if err := errors.Join(os.WriteFile(path, []byte("secret"), 0o600), os.Chown(path, 4242, 4242)); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, 100); !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), "belongs to user 4242") {
		t.Errorf("got %v, want %v", err, ErrUnsafe)
	}
	from := func() (string, error) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		data, err := From(f, 100)
		return string(data), err
	}
	if got, err := from(); got != "secret" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := from(); !errors.Is(err, ErrUnsafe) {
		t.Errorf("open to a group: got %v, want %v", err, ErrUnsafe)
	}
}
