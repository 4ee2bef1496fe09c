package sock

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/spec"
)

// short is a path of the shim's folder in dir that fits into an address.
func short(dir string) (path string, done func(), err error) {
	fd, err := unix.Open(filepath.Join(dir, spec.Folder), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	return "/proc/self/fd/" + strconv.Itoa(fd), func() { _ = unix.Close(fd) }, nil
}

// nameless is the address of a shim outside of the file system, by its token. Any user of the host
// may take such an address, but nobody can know this one before the shim has it.
func nameless(token string) string {
	if token == "" {
		return ""
	}
	return "@tcenvsvr/shim/" + token
}

// Network names the network namespace of this process: addresses without a file are seen within one only. It
// is "" if that is not known.
func Network() string {
	name, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return ""
	}
	return name
}

// PeerOf asks the kernel who connected, or who listens.
func PeerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var sockErr error
	if err := raw.Control(func(fd uintptr) {
		cred, sockErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, err
	}
	if sockErr != nil {
		return Peer{}, sockErr
	}
	return Peer{Known: true, UID: int(cred.Uid), PID: int(cred.Pid)}, nil
}

// Isolated reports whether the peer is known to be in another user namespace, as an App in a world of
// its own is. One that has ended counts as one, too: it may have been an App's, which left the connection
// to another. A shim cannot be looked into, nor can an App that executes a file that it may not read; the
// maps of their ids can. Where /proc hides a process of our own user, nothing is known of it.
func (p Peer) Isolated() bool {
	if !p.Known {
		return false
	}
	here, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return false
	}
	dir := "/proc/" + strconv.Itoa(p.PID)
	if there, err := os.Readlink(dir + "/ns/user"); err == nil {
		return there != here
	}
	own, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	if ids, err := os.ReadFile(dir + "/uid_map"); err == nil {
		return !bytes.Equal(ids, own)
	}
	return errors.Is(unix.Kill(p.PID, 0), unix.ESRCH)
}
