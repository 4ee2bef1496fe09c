//go:build unix

package state

import "golang.org/x/sys/unix"

// noFollow opens neither links nor, waiting for a writer, pipes.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK
