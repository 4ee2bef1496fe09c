//go:build unix

package audit

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Root appends to a file in a folder that is not root's.
func TestWhatIsNotThePlainLogIsRefused(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	for name, plant := range map[string]func(path string) error{
		"link":      func(path string) error { return os.Symlink(victim, path) },
		"hard link": func(path string) error { return os.Link(victim, path) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder":    func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{"link": "too many levels of symbolic links", "folder": "is a directory"}[name]
			if want == "" {
				want = "is not a plain file with one name; look who put it there, and remove it"
			}
			if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(filepath.Dir(victim), "audit.jsonl")
			if err := plant(path); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			var said error
			Open(path).OnError(func(err error) { said = err }).Record(Enrolled)
			if said == nil || !strings.Contains(said.Error(), want) {
				t.Errorf("got %v, want %q", said, want)
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != "untouched" {
				t.Errorf("the victim holds %q, %v", text, err)
			}
		})
	}
}

func TestModeWhateverTheUmask(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	Open(path).Record(Enrolled)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("mode %v, %v; want %o", info.Mode(), err, fileMode)
	}
}
