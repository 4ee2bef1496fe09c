package fitness

import "golang.org/x/sys/unix"

// uncleanErrno is a damaged file system.
const uncleanErrno = unix.EUCLEAN
