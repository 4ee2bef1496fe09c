//go:build unix

package plainfile

import "syscall"

const flags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
