//go:build unix

package rootfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// open opens a file that root alone can change. It goes from the top down: once a folder is known
// to be root's alone, nobody else can put another in the place of what is in it.
func open(path string) (*os.File, error) {
	if err := walkable(path); err != nil {
		return nil, err
	}
	for at := "/"; ; {
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%w: \"chmod go+x %s\" lets the agent's user see what is in it", err, filepath.Dir(at))
		}
		if err != nil {
			return nil, err
		}
		if at == path {
			break
		}
		if err := rootsAlone(at, info, fs.ModeDir, "folder"); err != nil {
			// Who has no such file need not keep its folders for one.
			if _, none := os.Lstat(path); errors.Is(none, fs.ErrNotExist) {
				return nil, none
			}
			return nil, err
		}
		rest := strings.TrimPrefix(path[len(at):], "/")
		next, _, _ := strings.Cut(rest, "/")
		at = filepath.Join(at, next)
	}
	// A link is not followed, and the writer of a pipe not waited for.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK):
		return nil, unsafe(path, "it is a symbolic link")
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: \"chmod 644 %s\" lets the agent's user read it", err, path)
	case err != nil:
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		err = rootsAlone(path, info, 0, "regular file")
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// folders looks at the folders above a path that exist.
func folders(path string) error {
	if err := walkable(path); err != nil {
		return err
	}
	for at := "/"; at != path; {
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // whoever makes it must be able to write the one above
		}
		if err != nil {
			return err
		}
		if err := rootsAlone(at, info, fs.ModeDir, "folder"); err != nil {
			return err
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(path[len(at):], "/"), "/")
		at = filepath.Join(at, next)
	}
	return nil
}

// walkable says whether the folders of a path are those that stand in it.
func walkable(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fmt.Errorf("%q is no absolute path without \"..\"", path)
	}
	return nil
}

// rootsAlone says what is wrong with kind, owner and mode. An access list that lets others write
// shows in the group's bits, which are then its mask.
func rootsAlone(path string, info fs.FileInfo, kind fs.FileMode, name string) error {
	switch got := info.Mode().Type(); {
	case got == fs.ModeSymlink:
		return unsafe(path, "it is a symbolic link")
	case got != kind:
		return unsafe(path, "it is no "+name)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unsafe(path, "its owner is not known")
	}
	if st.Uid != 0 {
		return unsafe(path, fmt.Sprintf("it belongs to user %d, not to root: \"chown root %s\"", st.Uid, path))
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return unsafe(path, fmt.Sprintf("others can write it (mode %04o): \"chmod go-w %s\"", mode, path))
	}
	return nil
}

func unsafe(path, why string) error { return fmt.Errorf("%q: %s: %w", path, why, ErrUnsafe) }
