//go:build linux || darwin || freebsd

package space

import (
	"errors"

	"golang.org/x/sys/unix"
)

func of(path string) (Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Disk{}, err
	}
	block := uint64(s.Bsize)
	return Disk{
		Total: uint64(s.Blocks) * block, Free: uint64(s.Bavail) * block,
		Files: uint64(s.Files), FreeFiles: uint64(s.Ffree),
	}, nil
}

func full(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}
