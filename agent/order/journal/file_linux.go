package journal

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

func (f osFile) preallocate(size int64) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if fi.Size() >= size {
		return fi.Size(), nil
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if err == nil && size <= fileBytes || errors.Is(err, unix.EOPNOTSUPP) {
		// Blocks that were never written cost the file system a note of its own, which makes every
		// sync twice as slow.
		err = fill(f, fi.Size(), size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fi.Size(), fmt.Errorf("reserving %d bytes for %q: %w", size, f.Name(), err)
	}
	return size, nil
}

// datasync keeps the file open meanwhile: another goroutine may close it.
func (f osFile) datasync() error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = unix.Fdatasync(int(fd)) }); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("syncing %q: %w", f.Name(), failed)
	}
	return nil
}
