//go:build unix

package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"tcenvsvr/agent/disk/atomicfile"
)

// point makes trust/current lead to a set, in one step.
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

// pointed is the digest of the current set, "" if there is none.
func pointed(dir string) (string, error) {
	name, err := os.Readlink(filepath.Join(dir, current))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return name, err
}
