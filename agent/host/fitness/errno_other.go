//go:build unix && !linux

package fitness

import "golang.org/x/sys/unix"

// uncleanErrno is as good as its neighbour where a damaged file system has no number.
const uncleanErrno = unix.EIO
