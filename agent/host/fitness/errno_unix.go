//go:build unix

package fitness

import "golang.org/x/sys/unix"

// numbers are the errors of the system that every other order would get as well.
var numbers = []struct {
	errno error
	code  string
}{
	{unix.ENOSPC, NoSpace}, {unix.EDQUOT, NoSpace},
	{unix.EROFS, ReadOnly},
	{unix.EIO, IO}, {unix.ENODEV, IO}, {unix.ENXIO, IO}, {unix.ESTALE, IO}, {uncleanErrno, IO},
	{unix.EMFILE, NoFiles}, {unix.ENFILE, NoFiles},
	{unix.EAGAIN, NoProcess}, {unix.ENOMEM, NoProcess},
}
