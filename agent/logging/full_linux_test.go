package logging

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/need"
)

// A really full disk: a file system of 64 KiB with one file that fills it.
func TestAFullDiskStopsNothing(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })

	var stderr bytes.Buffer
	log, _, closeLog := New(Config{Mode: File, Dir: dir, Stderr: &stderr})
	defer closeLog()
	log.Info("before")
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	for range 200 {
		log.Info("while full", "padding", strings.Repeat("x", 100))
	}
	if got := stderr.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "no space left") {
		t.Errorf("stderr: got %q, want where it logs, and one line about the space", got)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	log.Info("after")
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if last := lines[len(lines)-1]; !strings.HasSuffix(last, "msg=after") || !strings.HasPrefix(last, "time=") {
		t.Errorf("last line: got %q, want a whole record", last)
	}
	if !strings.Contains(string(text), "records were lost") {
		t.Error("the loss is not told in the file")
	}
}
