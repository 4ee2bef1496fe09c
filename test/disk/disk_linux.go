package disk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/need"
)

// Disk is a mounted file system of its own.
type Disk struct {
	Dir string // the mount point, open to everybody as "/" is

	t      testing.TB
	image  string // the file that holds it
	copies int
	fill   []string // files that take the room
}

// Option changes how a disk is made.
type Option func(*options)

type options struct {
	bytes  int64
	inodes int
}

// Size is the disk's size in bytes; without it 256 MiB.
func Size(bytes int64) Option { return func(o *options) { o.bytes = bytes } }

// Inodes bounds the number of files; without it mkfs decides.
func Inodes(n int) Option { return func(o *options) { o.inodes = n } }

// New makes and mounts a disk. The end of the test unmounts it, also from under processes that
// still use it.
func New(t testing.TB, opts ...Option) *Disk {
	t.Helper()
	need.Root(t)
	mkfs := need.Tool(t, "mkfs.ext4")
	need.Tool(t, "mount")
	o := options{bytes: 256 << 20}
	for _, opt := range opts {
		opt(&o)
	}
	root, err := os.MkdirTemp("", "tcdisk") // a short name, because sockets live below it
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{t: t, Dir: filepath.Join(root, "d"), image: filepath.Join(root, "image")}
	t.Cleanup(func() {
		_ = os.RemoveAll(root)
	})
	if err := errors.Join(os.Chmod(root, 0o711), os.Mkdir(d.Dir, 0o755), os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, o.bytes)); err != nil {
		t.Fatalf("making a disk: %v", err)
	}
	args := []string{"-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"}
	if o.inodes > 0 {
		args = append(args, "-N", fmt.Sprint(o.inodes))
	}
	d.run(mkfs, append(args, d.image)...)
	d.mount()
	t.Cleanup(d.drop)
	return d
}

// Shutdown is a disk that went away: everything fails with EIO, and what was not synced to it is
// lost, its file system's own journal included.
func (d *Disk) Shutdown() {
	d.t.Helper()
	d.at("shutting the file system down", func(fd int) error {
		const shutdown, noFlush = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
		return unix.IoctlSetPointerInt(fd, shutdown, noFlush)
	})
}

// Back brings the disk back at the same place, with what was durable on it. Files that processes
// had open stay dead, as they do in the field.
func (d *Disk) Back() {
	d.t.Helper()
	d.drop()
	d.copies++
	// Who still holds the old one must not share its state: a copy is another disk.
	next := fmt.Sprintf("%s%d", strings.TrimRight(d.image, "0123456789"), d.copies)
	d.run("cp", "--sparse=always", d.image, next)
	// Exit code 1: errors were there and are mended.
	if out, err := exec.Command("e2fsck", "-fy", next).CombinedOutput(); err != nil && exitCode(err) != 1 {
		d.t.Fatalf("checking the disk: %v: %s", err, out)
	}
	_ = os.Remove(d.image)
	d.image = next
	d.mount()
}

// Freeze makes writers wait, as a storage that does not answer; Thaw lets them go on. The end of
// the test thaws too, before it waits for what the test has started since New.
func (d *Disk) Freeze() {
	d.t.Helper()
	d.t.Cleanup(d.melt)
	const freeze = 0xc0045877 // FIFREEZE
	d.at("freezing", func(fd int) error { return unix.IoctlSetPointerInt(fd, freeze, 0) })
}

// Thaw ends Freeze.
func (d *Disk) Thaw() {
	d.t.Helper()
	d.at("thawing", d.thaw)
}

func (d *Disk) thaw(fd int) error {
	const thaw = 0xc0045878 // FITHAW
	return unix.IoctlSetPointerInt(fd, thaw, 0)
}

// ReadOnly makes the kernel find an error in the file system, whereupon it takes no more writes
// (errors=remount-ro): EROFS, for open files too.
func (d *Disk) ReadOnly() {
	d.t.Helper()
	device, err := exec.Command("findmnt", "-no", "SOURCE", d.Dir).Output()
	if err != nil {
		d.t.Fatalf("finding the device of %s: %v", d.Dir, err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(device))), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("a test"), 0); err != nil {
		d.t.Fatalf("making %s read-only: %v", d.Dir, err)
	}
}

// Writable brings a disk that became read-only back as an administrator does: checked, and mounted
// anew. Files that processes had open stay read-only.
func (d *Disk) Writable() {
	d.t.Helper()
	d.Back()
}

// Fill leaves about left bytes of room.
func (d *Disk) Fill(left int64) {
	d.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.Dir, &s); err != nil {
		d.t.Fatalf("filling %s: %v", d.Dir, err)
	}
	size := int64(s.Bavail)*s.Bsize - left //nolint:unconvert // its type differs between processors
	if size <= 0 {
		return
	}
	name := filepath.Join(d.Dir, fmt.Sprintf(".fill%d", len(d.fill)))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatalf("filling %s: %v", d.Dir, err)
	}
	defer func() { _ = f.Close() }()
	d.fill = append(d.fill, name)
	// What the file's own map needs may be more than is left: less, then.
	for ; size > 0; size -= 64 << 10 {
		if err = unix.Fallocate(int(f.Fd()), 0, 0, size); !errors.Is(err, unix.ENOSPC) {
			break
		}
	}
	if err != nil {
		d.t.Fatalf("filling %s: %v", d.Dir, err)
	}
}

// FillInodes leaves no room for a new file.
func (d *Disk) FillInodes() {
	d.t.Helper()
	dir := filepath.Join(d.Dir, fmt.Sprintf(".fill%d", len(d.fill)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		d.t.Fatalf("filling %s: %v", d.Dir, err)
	}
	d.fill = append(d.fill, dir)
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if errors.Is(err, unix.ENOSPC) {
			return
		}
		if err != nil {
			d.t.Fatalf("filling %s: %v", d.Dir, err)
		}
		_ = f.Close()
	}
}

// Free gives back what Fill and FillInodes took.
func (d *Disk) Free() {
	d.t.Helper()
	for _, name := range d.fill {
		if err := os.RemoveAll(name); err != nil {
			d.t.Fatalf("freeing %s: %v", d.Dir, err)
		}
	}
	d.fill = nil
}

func (d *Disk) mount() {
	d.t.Helper()
	d.run("mount", "-o", "loop,errors=remount-ro", d.image, d.Dir)
	if err := os.Chmod(d.Dir, 0o755); err != nil {
		d.t.Fatal(err)
	}
}

// drop unmounts, now or when its last user goes.
func (d *Disk) drop() {
	d.melt() // an unmount of a frozen one would wait for ever
	if err := unix.Unmount(d.Dir, unix.MNT_DETACH); err != nil {
		d.t.Errorf("unmounting %s: %v", d.Dir, err)
	}
}

// melt thaws a disk that may be frozen.
func (d *Disk) melt() {
	if f, err := os.Open(d.Dir); err == nil {
		_ = d.thaw(int(f.Fd()))
		_ = f.Close()
	}
}

// at calls f with the open mount point.
func (d *Disk) at(doing string, f func(fd int) error) {
	d.t.Helper()
	dir, err := os.Open(d.Dir)
	if err == nil {
		err = f(int(dir.Fd()))
		_ = dir.Close()
	}
	if err != nil {
		d.t.Fatalf("%s %s: %v", doing, d.Dir, err)
	}
}

func (d *Disk) run(program string, args ...string) {
	d.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		d.t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}

func exitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}
