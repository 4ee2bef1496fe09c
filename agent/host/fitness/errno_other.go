//go:build unix && !linux

package fitness

import "golang.org/x/sys/unix"

// uncleanErrno stands for EIO where a damaged file system has no error number of its own.
const uncleanErrno = unix.EIO
