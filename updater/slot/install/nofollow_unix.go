//go:build linux || darwin || freebsd

package install

import "golang.org/x/sys/unix"

const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK
