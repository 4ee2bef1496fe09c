//go:build unix

package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"tcenvsvr/agent/disk/atomicfile"
)

// errOpen refuses a source that everybody may write: a user who adds a CA can read everybody's
// traffic.
var errOpen = errors.New("every user of this host may write it, so it is not trusted: take that right away (chmod o-w)")

// notOpen returns an error if every user may write path.
func notOpen(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o002 != 0 {
		err = errOpen
	}
	return err
}

// point makes trust/current point to a set, in one step.
func point(dir, digest string) error {
	if now, err := pointed(dir); err == nil && now == digest {
		return nil
	}
	temp := filepath.Join(dir, tempPrefix+"current-"+strconv.Itoa(os.Getpid()))
	_ = os.Remove(temp)
	if err := os.Symlink(digest, temp); err != nil {
		return err
	}
	if err := atomicfile.Rename(temp, filepath.Join(dir, current)); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return nil
}

// pointed returns the digest of the current set, "" if there is none.
func pointed(dir string) (string, error) {
	name, err := os.Readlink(filepath.Join(dir, current))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return name, err
}

// inode tells a file that was replaced by one of the same size and time.
func inode(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Ino)
	}
	return 0
}
