package slot_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/disk/space"
	"tcenvsvr/test/need"
	"tcenvsvr/updater/slot/install"
)

// small mounts a file system in memory.
func small(t *testing.T, dir, options string) {
	t.Helper()
	need.Root(t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

func TestNoRoom(t *testing.T) {
	for name, c := range map[string]struct{ options, want string }{
		"blocks": {"mode=755,size=16m", "MiB free at"},
		"inodes": {"mode=755,size=256m,nr_inodes=20", "inodes free at"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := sceneIn(t, dir)
			s.must(os.RemoveAll(filepath.Join(dir, "home", "a")))
			s.must(os.Mkdir(filepath.Join(dir, "home", "a"), 0o755))
			small(t, filepath.Join(dir, "home", "a"), c.options)
			s.offer("1.1.0")
			err := s.apply()
			s.wantCode(err, "no_room", c.want)
			if !errors.Is(err, space.ErrFull) {
				t.Errorf("got %v, want %v", err, space.ErrFull)
			}
			s.wantChoice("1.0.0", false)
		})
	}
}

// The disk gets full while the program is written, in spite of the question before: nothing of it
// stays.
func TestADiskThatGetsFull(t *testing.T) {
	dir := t.TempDir()
	small(t, dir, "mode=755,size=512k")
	data := version("1.1.0")
	target := filepath.Join(dir, "tcenvsvr")
	if err := os.WriteFile(target, []byte("old"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := install.Write(target, install.Program{Content: bytes.NewReader(data), Size: int64(len(data)), SHA256: sum(data)})
	if !errors.Is(err, unix.ENOSPC) {
		t.Errorf("got %v, want %v", err, unix.ENOSPC)
	}
	if got, _ := os.ReadFile(target); string(got) != "old" {
		t.Error("the old program is gone")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Where a start cannot be counted, it is not one of a candidate; the agent starts all the same.
func TestAStateThatCannotBeWritten(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, lib string){
		"full": func(t *testing.T, lib string) {
			f, err := os.Create(filepath.Join(lib, "filler"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for {
				if _, err := f.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		},
		"read-only": func(t *testing.T, lib string) {
			if err := unix.Mount("", lib, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := sceneIn(t, dir)
			lib := filepath.Join(dir, "lib")
			small(t, lib, "mode=700,size=64k")
			s.update("1.1.0")
			s.offer("1.2.0")
			s.must(s.apply())
			spoil(t, lib)
			for range 3 {
				s.wantChoice("1.1.0", false)
			}
			// What runs is healthy, and that is not the candidate's merit.
			s.put("request-healthy", nil)
			if got, err := s.slots().Bless(); err == nil && got == "blessed" {
				t.Error("a candidate that does not run was blessed")
			}
			if err := unix.Mount("", lib, "", unix.MS_REMOUNT, "size=64k"); err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(filepath.Join(lib, "filler"))
			s.wantChoice("1.2.0", true)
		})
	}
}

func TestSlotsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	s := sceneIn(t, dir)
	a := filepath.Join(dir, "home", "a")
	small(t, a, "mode=755,size=64m")
	s.must(os.Mkdir(filepath.Join(a, "bin"), 0o755))
	if err := unix.Mount("", a, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	s.offer("1.1.0")
	s.wantCode(s.apply(), "failed", "read-only file system")
	s.wantChoice("1.0.0", false)
}
