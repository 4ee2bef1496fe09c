package privatefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Mode is the mode that files with secrets are written with: only their owner reads them.
const Mode fs.FileMode = 0o600

// ErrUnsafe means that others can read or replace the file, or that it is no regular file.
var ErrUnsafe = errors.New("not a safe place for secrets")

// Read returns the content of the file, of at most limit bytes. Errors other than ErrUnsafe are
// those of os.Open.
func Read(path string, limit int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, limit, owned)
}

// From is [Read] for an open file that the caller's user named, and opened with that user's rights:
// its owner does not matter.
func From(f *os.File, limit int64) ([]byte, error) {
	return read(f, limit, closed)
}

func read(f *os.File, limit int64, check func(path string, info fs.FileInfo) error) ([]byte, error) {
	path := f.Name()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, unsafe(path, "it is no regular file\nhint: see what is in its place, and restore the file from a backup")
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		clear(data)
		return nil, unsafe(path, fmt.Sprintf("it is larger than %d bytes", limit))
	}
	return data, nil
}

func unsafe(path, why string) error {
	return fmt.Errorf("reading %q: %w: %s", path, ErrUnsafe, why)
}
