package plainfile

import (
	"fmt"
	"io/fs"
	"os"
)

// Flags are the flags to open a file with so that a link is refused and a pipe does not wait for
// its other end. They are 0 on Windows, whose file system has no pipes and few links.
const Flags = flags

// NoWait is the flag to open a file with that somebody named, who may mean a link or a pipe: a pipe that nobody
// writes to is empty then.
const NoWait = noWait

// Open opens the regular file at path for reading. The caller closes it.
func Open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|Flags, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is not a regular file", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
