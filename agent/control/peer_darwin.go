package control

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// trusted reports whether root or our own user is at the other end.
func trusted(c net.Conn) bool {
	uid, ok := -1, false
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); err == nil {
			uid, ok = int(cred.Uid), true
		}
	})
	return ok && (uid == 0 || uid == os.Geteuid())
}
