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

// Owner returns the lesser user who could exchange path or something on the
// way to it: the owner of the first folder or link there that is not root's. What does not
// exist is nobody's. It returns nil where only root could, and where this process
// is not root. Where several users could, the error is ErrMixed; where a group or everybody
// could and nobody else owns any of it, ErrOpen.
//
// path must be absolute.
func Owner(path string) (*User, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	w, err := look(path)
	if err != nil {
		return nil, fmt.Errorf("looking whose %q is: %w", path, err)
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

// way is what was seen on the way to a file.
type way struct {
	owners  []int       // users but root who own something on the way, or the file
	anybody string      // a folder in which others than its owner may exchange things
	last    fs.FileInfo // the file itself, nil where it does not exist
	path    string      // without links
}

// mostLinks is as many as the kernel follows.
const mostLinks = 40

// look goes down the path. It needs no descriptors: as long as everything is
// root's nobody can change what comes next, and after that the answer is given.
func look(path string) (w way, err error) {
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

// see looks at one step of the way.
func (w *way) see(path string) error {
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
	// The group's bits are the mask of an ACL as well. In a sticky folder, such as
	// /tmp, only the owner of a thing exchanges it.
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
