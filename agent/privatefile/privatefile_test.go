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
		{"folder", dir, "no regular file", ErrUnsafe},
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

// Root reads what belongs to the owner of the folder, or what root let
// somebody have, and nothing that a third one put there.
func TestRootReadsWhatIsTheFoldersOwners(t *testing.T) {
	need.Root(t)
	const agent, other = 4242, 4343
	for name, tc := range map[string]struct {
		file, folder int
		mode         fs.FileMode // of the folder
		want         bool
	}{
		"the agent's in the agent's folder":   {agent, agent, 0o711, true},
		"the agent's in a folder of root":     {agent, 0, 0o755, true},
		"anybody's in a folder for everybody": {other, 0, 0o777 | fs.ModeSticky, false},
		"another's in the agent's folder":     {other, agent, 0o711, false},
		"in a folder that a group may write":  {agent, agent, 0o770, false},
		"root's in the agent's folder":        {0, agent, 0o711, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			path := filepath.Join(dir, "file")
			if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, []byte("secret"), 0o600),
				os.Chown(path, tc.file, tc.file), os.Chown(dir, tc.folder, tc.folder), os.Chmod(dir, tc.mode)); err != nil {
				t.Fatal(err)
			}
			if _, err := Read(path, 100); (err == nil) != tc.want {
				t.Errorf("got %v, want it read: %v", err, tc.want)
			}
		})
	}
}
