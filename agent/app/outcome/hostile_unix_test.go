//go:build unix

package outcome

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What an App puts in place of its files must not make us read another's.
func TestHostileFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("count = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(file string) error{
		"link out":    func(f string) error { return os.Symlink(secret, f) },
		"link inside": func(f string) error { return os.Symlink("other", f) },
		"hard link":   func(f string) error { return os.Link(secret, f) },
		"pipe":        func(f string) error { return syscall.Mkfifo(f, 0o600) },
		"folder":      func(f string) error { return os.Mkdir(f, 0o700) },
		"socket": func(f string) error {
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer syscall.Close(fd)
			t.Chdir(filepath.Dir(f)) // socket names are short
			return syscall.Bind(fd, &syscall.SockaddrUnix{Name: filepath.Base(f)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := session(t, map[string]string{"out/other": "count = 2\n"})
			for _, f := range []string{"out/message.tc", "out/results.tc", "out/a.csv"} {
				if err := plant(filepath.Join(dir, f)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := Collect(dir, manifest); !errors.Is(err, ErrHostile) || got.Message != "" || got.Results != nil {
				t.Errorf("got %+v, %v", got, err)
			}
			published, err := Publish(dir, manifest)
			if name == "folder" {
				if len(published) != 0 || err != nil {
					t.Errorf("got %+v, %v", published, err)
				}
			} else if len(published) != 1 || !errors.Is(published[0].Err, ErrHostile) || published[0].File != nil {
				t.Errorf("got %+v, %v", published, err)
			}
		})
	}
}

func TestExchangedFile(t *testing.T) {
	dir := session(t, map[string]string{"out/a.csv": "1", "tmp/other": "2"})
	got, err := Publish(dir, manifest)
	if err != nil || len(got) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if err := os.Rename(filepath.Join(dir, "tmp/other"), filepath.Join(dir, "out/a.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := got[0].File.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrHostile) || !strings.Contains(err.Error(), "it was exchanged") {
		t.Errorf("got %v", err)
	}
}

func TestOutReplacedByALink(t *testing.T) {
	for _, target := range []string{"/etc", "tmp"} {
		dir := session(t, map[string]string{"tmp/a.csv": "1"})
		if err := errors.Join(os.Remove(filepath.Join(dir, "out")), os.Symlink(target, filepath.Join(dir, "out"))); err != nil {
			t.Fatal(err)
		}
		if got, err := Publish(dir, manifest); !errors.Is(err, ErrHostile) || len(got) != 0 {
			t.Errorf("%s: got %+v, %v", target, got, err)
		}
	}
}
