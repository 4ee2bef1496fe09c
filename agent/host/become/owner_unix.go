//go:build unix

package become

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Owner returns the lesser user who could exchange path or a folder above it: the owner of the
// first folder or link on the path that is not root's. What does not exist belongs to nobody. It
// returns nil where only root could, and where this process is not root. The error is [ErrMixed]
// where several users could, and [ErrOpen] where only a group or everybody could.
//
// path must be absolute.
func Owner(path string) (*User, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	w, err := look(path)
	if err != nil {
		return nil, fmt.Errorf("finding the owner of %q: %w", path, err)
	}
	switch {
	case len(w.owners) > 1:
		return nil, fmt.Errorf("working on %q as root: %w: users %s could each exchange it or a folder above it\nhint: run this as one of them, or give the folders to one",
			path, ErrMixed, names(w.owners))
	case len(w.owners) == 1:
		return Lookup(w.owners[0])
	case w.anybody != "":
		return nil, fmt.Errorf("working on %q as root: %w: others may write %q\nhint: chmod go-w %s, or run this as another user than root",
			path, ErrOpen, w.anybody, w.anybody)
	}
	return nil, nil
}

// steps is what was seen on the path to a file.
type steps struct {
	owners  []int       // users except root who own a folder or link on the path, or the file
	anybody string      // a folder in which users other than its owner may exchange files
	last    fs.FileInfo // the file itself, nil where it does not exist
	path    string      // without links
}

// mostLinks is as many as the kernel follows.
const mostLinks = 40

// look walks down the path. It needs no descriptors: as long as everything is root's nobody can
// change what comes next, and after that the answer is known.
func look(path string) (w steps, err error) {
	if !filepath.IsAbs(path) {
		return w, fmt.Errorf("%q is not absolute", path)
	}
	at, rest, links := "/", strings.Split(filepath.Clean(path), "/"), 0
	if err := w.see(at); err != nil {
		return w, err
	}
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" {
			continue
		}
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		err := w.see(next)
		if errors.Is(err, fs.ErrNotExist) {
			w.last, w.path = nil, filepath.Join(append([]string{next}, rest...)...)
			return w, nil
		}
		if err != nil {
			return w, err
		}
		if w.last.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > mostLinks {
			return w, fmt.Errorf("%q: %w", next, syscall.ELOOP)
		}
		target, err := os.Readlink(next)
		if err != nil {
			return w, err
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...) // not cleaned: "link/.." is not "."
	}
	w.path = at
	return w, nil
}

// see examines one step of the path.
func (w *steps) see(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%q: %w", path, errors.ErrUnsupported)
	}
	w.last = info
	if uid := int(st.Uid); uid != 0 && !slices.Contains(w.owners, uid) {
		w.owners = append(w.owners, uid)
	}
	// The group's bits are the mask of an ACL as well. In a sticky folder, such as /tmp, only the
	// owner of a file can exchange it.
	if info.IsDir() && info.Mode()&fs.ModeSticky == 0 && (st.Mode&0o002 != 0 || st.Mode&0o020 != 0 && st.Gid != 0) && w.anybody == "" {
		w.anybody = path
	}
	return nil
}

func names(uids []int) string {
	var all []string
	for _, uid := range uids {
		name := fmt.Sprint(uid)
		if u, err := Lookup(uid); err == nil {
			name = u.Name
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}
