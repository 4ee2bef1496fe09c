package outcome

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrHostile says that a file is not what an App may hand over.
var ErrHostile = errors.New("not an ordinary file of the App")

// open opens the regular file name below root for reading.
func open(root *os.Root, name string) (*os.File, os.FileInfo, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if err := acceptable(name, before); err != nil {
		return nil, nil, err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, nil, err
	}
	// A process of the App may still live, so make sure that the file that was opened is the one
	// that was examined.
	after, err := f.Stat()
	if err == nil {
		err = acceptable(name, after)
	}
	if err == nil && !os.SameFile(before, after) {
		err = fmt.Errorf("opening %q: %w: it was exchanged", name, ErrHostile)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, after, nil
}

func acceptable(name string, info os.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("opening %q: %w: it is a %v", name, ErrHostile, info.Mode().Type())
	case links(info) > 1:
		return fmt.Errorf("opening %q: %w: it has %d names", name, ErrHostile, links(info))
	}
	return nil
}

// readTail returns the last limit bytes of the file, nothing when there is no such file, and
// whether that is all of it.
func readTail(root *os.Root, name string, limit int64) (data []byte, all bool, err error) {
	f, info, err := open(root, name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	from := max(0, info.Size()-limit)
	data, err = io.ReadAll(io.NewSectionReader(f, from, limit))
	return data, from == 0, err
}
