package deeptree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/need"
)

// TestEmptySaysWhatIsLeft: a folder that something is mounted on cannot go, and keeps nothing else.
func TestEmptySaysWhatIsLeft(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	busy := filepath.Join(dir, "a", "busy")
	if err := os.MkdirAll(busy, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", busy, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(busy, unix.MNT_DETACH) })
	for _, name := range []string{"a/file", "b", "a/busy/file"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := Empty(dir, false)
	if !errors.Is(err, ErrLeft) || !strings.HasSuffix(err.Error(), "not everything could be removed: device or resource busy") {
		t.Errorf("got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(left) != 1 || left[0] != busy {
		t.Errorf("left: %q, %v", left, err)
	}
}
