//go:build !linux

package journal

import "fmt"

func (f osFile) preallocate(size int64) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if fi.Size() >= size {
		return fi.Size(), nil
	}
	err = fill(f, fi.Size(), size)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fi.Size(), fmt.Errorf("reserving %d bytes for %q: %w", size, f.Name(), err)
	}
	return size, nil
}

func (f osFile) datasync() error { return f.Sync() }
