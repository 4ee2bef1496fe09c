//go:build unix

package settings

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

func open(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}

func isLink(err error) bool { return errors.Is(err, unix.ELOOP) }

func exposed(info fs.FileInfo) bool  { return info.Mode().Perm()&0o004 != 0 }
func writable(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }
