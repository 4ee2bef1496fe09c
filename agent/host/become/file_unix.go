//go:build unix

package become

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
)

// descriptor is a file that the caller has opened: /dev/fd/63 of a shell.
var descriptor = regexp.MustCompile(`^/(?:dev|proc/self)/fd/([0-9]{1,4})$`)

// Open opens a file that the administrator named, while this process still is root. It returns nil
// where the user could have exchanged something on the path: then the file has to be opened as the
// user. It waits for no pipe, and refuses a file that belongs to another user than its folder.
func (u *User) Open(path string) (*os.File, error) {
	if path == "/dev/stdin" {
		path = "/dev/fd/0"
	}
	if m := descriptor.FindStringSubmatch(filepath.Clean(path)); m != nil {
		n, _ := strconv.Atoi(m[1])
		fd, err := syscall.Dup(n)
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
		syscall.CloseOnExec(fd)
		return os.NewFile(uintptr(fd), path), nil
	}
	w, ours, err := u.named(path)
	if err != nil || !ours {
		return nil, err
	}
	if w.last == nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	}
	f, err := os.OpenFile(w.path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		st, ok := info.Sys().(*syscall.Stat_t)
		if uid := int(st.Uid); !ok || len(w.owners) > 0 && !slices.Contains(w.owners, uid) {
			err = fmt.Errorf("opening %q as root: it belongs to user %d, but the folder above it to %s, who could have put anything there", path, uid, names(w.owners))
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Create makes a file that the administrator named, for root alone, while this process still is
// root. It returns nil where the user could have exchanged something on the path. An existing file
// is an error.
func (u *User) Create(path string) (*os.File, error) {
	w, ours, err := u.named(path)
	if err != nil || !ours {
		return nil, err
	}
	if w.last != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: os.ErrExist}
	}
	return os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
}

// named examines a path that the administrator typed. ours is false where the user could have
// exchanged something on it.
func (u *User) named(path string) (w steps, ours bool, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return w, false, err
	}
	if w, err = look(path); err != nil {
		return w, false, err
	}
	return w, w.anybody == "" && !slices.Contains(w.owners, u.UID), nil
}
