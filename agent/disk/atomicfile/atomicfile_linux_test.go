package atomicfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
)

func TestModeIsExactWhateverTheUmask(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	path := filepath.Join(t.TempDir(), "state")
	for _, want := range []os.FileMode{0o664, 0o600, 0o640} {
		if err := WriteFile(path, nil, want); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("got mode %o, want %o", got, want)
		}
	}
}

func TestAFullDiskKeepsTheOldFile(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	path := filepath.Join(dir, "state")
	if err := WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, bytes.Repeat([]byte("n"), 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("got %v, want %v", err, unix.ENOSPC)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("got %q, want the old content", got)
	}
	wantOnly(t, dir, "state")
}

// TestASickDiskKeepsTheOldFile: what WriteFile did not promise is not there when the disk is well
// again, and what it did is.
func TestASickDiskKeepsTheOldFile(t *testing.T) {
	for name, tt := range map[string]struct {
		ill  func(*disk.Disk)
		well func(*disk.Disk)
		want error
	}{
		"gone":      {(*disk.Disk).Shutdown, (*disk.Disk).Back, unix.EIO},
		"read-only": {(*disk.Disk).ReadOnly, (*disk.Disk).Writable, unix.EROFS},
		"no inodes": {(*disk.Disk).FillInodes, (*disk.Disk).Free, unix.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			d := disk.New(t, disk.Size(32<<20), disk.Inodes(256))
			path := filepath.Join(d.Dir, "state")
			if err := WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			tt.ill(d)
			if err := WriteFile(path, []byte("new"), 0o600); !errors.Is(err, tt.want) {
				t.Errorf("on the sick disk: %v, want %v", err, tt.want)
			}
			tt.well(d)
			if got, err := os.ReadFile(path); string(got) != "old" || err != nil {
				t.Errorf("afterwards: %q, %v, want the old content", got, err)
			}
			if err := WriteFile(path, []byte("newer"), 0o600); err != nil {
				t.Fatal(err)
			}
			d.Shutdown()
			d.Back()
			if got, err := os.ReadFile(path); string(got) != "newer" || err != nil {
				t.Errorf("what was written durably: %q, %v", got, err)
			}
		})
	}
}
