package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/need"
)

// TestFullDisk: the disk has room for a part of a line. It is not there afterwards, and what comes
// when there is room again is whole, and says that something is missing.
func TestFullDisk(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	path := filepath.Join(dir, "audit.jsonl")
	told := 0
	l := Open(path).OnError(func(error) { told++ })
	l.Record(OrderAccepted, "n", 1)
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	for range 10 { // the page that it has fills up in the middle of one
		l.Record(OrderAccepted, "n", 2, "long", strings.Repeat("x", 1500))
	}
	if told == 0 {
		t.Fatal("everything fitted")
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(string(text), "}\n") {
		t.Errorf("%v: the file ends in %q", err, text[max(0, len(text)-40):])
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	l.Record(OrderAccepted, "n", 3)
	acts := read(t, path)
	if n := len(acts); n < 3 || acts[n-2].Act != "acts_lost" || acts[n-1].N != 3 {
		t.Errorf("%+v", acts)
	}
}
