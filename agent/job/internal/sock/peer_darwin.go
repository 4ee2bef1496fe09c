package sock

import (
	"net"

	"golang.org/x/sys/unix"
)

// PeerOf asks the kernel who connected, or who listens.
func PeerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Xucred
	var pid int
	var sockErr error
	if err := raw.Control(func(fd uintptr) {
		if cred, sockErr = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); sockErr == nil {
			pid, sockErr = unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID)
		}
	}); err != nil {
		return Peer{}, err
	}
	if sockErr != nil {
		return Peer{}, sockErr
	}
	return Peer{Known: true, UID: int(cred.Uid), PID: pid}, nil
}

// Isolated reports whether the peer is an App in a world of its own, which there is on Linux only.
func (p Peer) Isolated() bool { return false }
