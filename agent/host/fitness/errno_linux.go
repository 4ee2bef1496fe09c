package fitness

import "golang.org/x/sys/unix"

// uncleanErrno is the error of a damaged file system.
const uncleanErrno = unix.EUCLEAN
