package journal

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// preallocate makes f at least size bytes long with blocks behind all of
// them, so that writing into it cannot fail for lack of space.
func preallocate(f *os.File, size int64) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if fi.Size() >= size {
		return fi.Size(), nil
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = fill(f, fi.Size(), size)
	}
	if err != nil {
		return 0, fmt.Errorf("reserving %d bytes for %q: %w", size, f.Name(), err)
	}
	return size, f.Sync()
}

func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
