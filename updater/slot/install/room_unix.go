//go:build linux || darwin || freebsd

package install

import (
	"math"

	"golang.org/x/sys/unix"
)

const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

func free(dir string) (blocks, inodes uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	inodes = uint64(s.Ffree)
	if s.Files == 0 { // btrfs makes them as needed
		inodes = math.MaxUint64
	}
	return uint64(s.Bavail) * uint64(s.Bsize), inodes, nil
}
