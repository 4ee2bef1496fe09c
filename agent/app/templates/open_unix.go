//go:build unix

package templates

import "golang.org/x/sys/unix"

// nonblock keeps the opening of a planted FIFO from waiting for a writer.
const nonblock = unix.O_NONBLOCK
