package proxy

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// notSent bounds the bytes the kernel takes from us before it has sent them. Without it a flood of
// logs fills megabytes of socket buffer and an urgent message waits behind all of it on a slow
// line.
const notSent = 64 << 10

// control sets socket options before the connection is made. They are improvements only, so that
// failing to set one is no error.
func control(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSent)
	})
}
