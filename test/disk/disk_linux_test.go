package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/disk"
)

func TestShutdownLosesWhatWasNotSynced(t *testing.T) {
	d := disk.New(t, disk.Size(64<<20))
	held := write(t, d, "synced", true)
	write(t, d, "lost", false)
	d.Shutdown()
	if _, err := held.WriteString("more"); !errors.Is(err, unix.EIO) {
		t.Errorf("writing to a disk that is gone: %v, want EIO", err)
	}
	d.Back()
	if got, err := os.ReadFile(filepath.Join(d.Dir, "synced")); string(got) != "x" || err != nil {
		t.Errorf("the synced file: %q %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(d.Dir, "lost")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was not synced is still there (%v): the disk lost nothing", err)
	}
	write(t, d, "new", true)
	if _, err := held.WriteString("more"); !errors.Is(err, unix.EIO) {
		t.Errorf("a file opened before: %v, want EIO for ever", err)
	}
}

func TestFullAndFree(t *testing.T) {
	for name, fill := range map[string]func(*disk.Disk){
		"bytes":  func(d *disk.Disk) { d.Fill(0) },
		"inodes": (*disk.Disk).FillInodes,
	} {
		t.Run(name, func(t *testing.T) {
			d := disk.New(t, disk.Size(32<<20), disk.Inodes(512))
			fill(d)
			err := os.WriteFile(filepath.Join(d.Dir, "one"), make([]byte, 1<<20), 0o600)
			if !errors.Is(err, unix.ENOSPC) {
				t.Errorf("writing to a full disk: %v, want ENOSPC", err)
			}
			d.Free()
			write(t, d, "two", true)
		})
	}
}

func TestReadOnly(t *testing.T) {
	d := disk.New(t, disk.Size(32<<20))
	held := write(t, d, "held", true)
	d.ReadOnly()
	if _, err := held.WriteString("more"); !errors.Is(err, unix.EROFS) {
		t.Errorf("writing to an open file: %v, want EROFS", err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir, "a"), nil, 0o600); !errors.Is(err, unix.EROFS) {
		t.Errorf("writing: %v, want EROFS", err)
	}
	d.Writable()
	write(t, d, "a", true)
}

func TestFreeze(t *testing.T) {
	d := disk.New(t, disk.Size(32<<20))
	d.Freeze()
	done := make(chan struct{})
	go func() { defer close(done); write(t, d, "a", true) }()
	select {
	case <-done:
		t.Error("a frozen disk took a write")
	case <-time.After(200 * time.Millisecond):
	}
	d.Thaw()
	<-done
}

// TestFreezeEndsFirst: what a test has started, and waits for at its end, goes on by then.
func TestFreezeEndsFirst(t *testing.T) {
	d := disk.New(t, disk.Size(32<<20))
	t.Cleanup(func() { write(t, d, "a", true) })
	d.Freeze()
}

func write(t *testing.T, d *disk.Disk, name string, sync bool) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(d.Dir, name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.WriteString("x")
	if sync {
		dir, openErr := os.Open(d.Dir)
		err = errors.Join(err, openErr, f.Sync(), dir.Sync(), dir.Close())
	}
	if err != nil {
		t.Error(err)
	}
	return f
}
