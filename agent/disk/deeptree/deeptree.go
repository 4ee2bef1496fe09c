package deeptree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	most  = 64   // levels that are open at a time; deeper folders are moved up first
	chunk = 1024 // names that are read at a time: an App may leave millions
	// rounds bounds the work if a process makes new folders meanwhile.
	rounds = 10_000
)

// ErrLeft means that something of the folder could not be removed.
var ErrLeft = errors.New("not everything could be removed")

// Empty removes everything in dir and follows no link out of it. If something could not be removed
// it returns ErrLeft with the first reason. With open it first makes folders accessible that their
// owner, who must be the user of this process, has closed.
func Empty(dir string, open bool) error {
	top, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("emptying %q: %w", dir, err)
	}
	defer top.Close()
	t := &tree{top: top, open: open}
	for range rounds {
		moved := t.moved
		t.err = nil
		t.empty(top, ".", 1)
		if t.moved == moved {
			break
		}
	}
	if t.err != nil {
		return fmt.Errorf("emptying %q: %w: %w", dir, ErrLeft, t.err)
	}
	return nil
}

type tree struct {
	top   *os.Root
	open  bool
	moved int
	err   error // the first
}

// empty removes what is in the folder at path, which is open as root.
func (t *tree) empty(root *os.Root, path string, level int) {
	for range rounds {
		names, err := root.Open(".")
		if err != nil {
			t.failed(err)
			return
		}
		entries, err := names.ReadDir(chunk)
		_ = names.Close()
		if err != nil && !errors.Is(err, io.EOF) {
			t.failed(err)
		}
		removed := 0
		for _, e := range entries {
			if t.remove(root, path, e, level) {
				removed++
			}
		}
		if removed == 0 {
			return // nothing is left, or nothing that can be removed
		}
	}
}

func (t *tree) remove(root *os.Root, path string, e fs.DirEntry, level int) bool {
	err := root.Remove(e.Name())
	if err == nil || !e.IsDir() {
		t.failed(err)
		return err == nil
	}
	if t.open {
		_ = root.Chmod(e.Name(), 0o700)
	}
	if level == most {
		return t.move(filepath.Join(path, e.Name()))
	}
	sub, err := root.OpenRoot(e.Name() + "/.") // should a pipe be there by now, this does not wait for its other end
	if err != nil {
		t.failed(err)
		return false
	}
	t.empty(sub, filepath.Join(path, e.Name()), level+1)
	_ = sub.Close()
	err = root.Remove(e.Name())
	t.failed(err)
	return err == nil
}

// move moves a folder that is too deep to the top, for the next round.
func (t *tree) move(path string) bool {
	for range 1000 { // an App may have used such names too
		t.moved++
		to := fmt.Sprintf(".deep-%d", t.moved)
		if _, err := t.top.Lstat(to); err == nil {
			continue
		}
		err := t.top.Rename(path, to)
		if err != nil {
			t.moved--
		}
		t.failed(err)
		return err == nil
	}
	return false
}

// failed keeps the first error, without its path, which an App may have made very long.
func (t *tree) failed(err error) {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	} else if l, ok := errors.AsType[*os.LinkError](err); ok {
		err = l.Err
	}
	if err != nil && t.err == nil && !errors.Is(err, fs.ErrNotExist) {
		t.err = err
	}
}
