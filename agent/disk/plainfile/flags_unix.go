//go:build unix

package plainfile

import "syscall"

const (
	flags  = syscall.O_NOFOLLOW | noWait
	noWait = syscall.O_NONBLOCK
)
