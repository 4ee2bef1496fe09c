package journal

import (
	"io"
	"os"

	"tcenvsvr/agent/disk/filelock"
)

// file is what the log needs of a file. There is one kind, and that of the tests, whose disk fails
// on demand.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
	// preallocate makes the file at least size bytes long, with blocks for all of them, so that
	// writing into it cannot fail for lack of space.
	preallocate(size int64) (int64, error)
	// Truncate gives space back.
	Truncate(size int64) error
	// datasync makes durable what was written. An error is final: the kernel may have dropped the
	// pages, and reports that only once.
	datasync() error
}

type osFile struct{ *os.File }

// openFile opens and locks a file, and makes it if it is missing.
func openFile(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if err := filelock.Lock(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return osFile{f}, nil
}

// fill writes zeros from one offset to another.
func fill(f io.WriterAt, from, to int64) error {
	zero := make([]byte, 64<<10)
	for from < to {
		n, err := f.WriteAt(zero[:min(int64(len(zero)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// blank reports whether the first size bytes are all zero.
func blank(f io.ReaderAt, size int64) (bool, error) {
	buf := make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(buf)) {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err := ignoreEOF(err); err != nil {
			return false, err
		}
		for _, b := range buf[:n] {
			if b != 0 {
				return false, nil
			}
		}
	}
	return true, nil
}
