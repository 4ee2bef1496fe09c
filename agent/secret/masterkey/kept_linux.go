package masterkey

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// firstFD is where systemd's descriptors begin (sd_listen_fds(3)).
const firstFD = 3

// Restore returns the password that [Keep] gave to the service manager before a restart, nil if
// there is none. It leaves other descriptors alone. Call it once, at the start.
func Restore(getenv func(string) string) []byte {
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n < 1 || n > 64 || getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	var found []byte
	for i := range min(n, len(names)) {
		unix.CloseOnExec(firstFD + i) // no App inherits it
		if names[i] != Name {
			continue
		}
		buf := make([]byte, maxFile)
		if read, err := unix.Pread(firstFD+i, buf, 0); err == nil && read > 0 {
			found = buf[:read]
		}
		_ = unix.Close(firstFD + i)
	}
	return found
}

// Keep gives the password to the service manager, which passes it to the service's next process
// after a restart, but not after a stop. Without a service manager Keep does nothing. The unit
// needs FileDescriptorStoreMax=1.
func Keep(getenv func(string) string, password []byte) error {
	socket := getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	fd, err := sealed(password)
	if err != nil {
		return fmt.Errorf("keeping the master password: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	// The store holds one descriptor, so remove the old one first.
	if err := tell(socket, "FDSTOREREMOVE=1\nFDNAME="+Name, nil); err != nil {
		return err
	}
	return tell(socket, "FDSTORE=1\nFDNAME="+Name, unix.UnixRights(fd))
}

// tell sends a message to the service manager, see sd_notify(3).
func tell(socket, message string, rights []byte) error {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("keeping the master password: %w", err)
	}
	defer func() { _ = unix.Close(s) }()
	// A leading @ means the abstract name space, in NOTIFY_SOCKET as in SockaddrUnix.
	if err := unix.Sendmsg(s, []byte(message), rights, &unix.SockaddrUnix{Name: socket}, 0); err != nil {
		return fmt.Errorf("keeping the master password: telling the service manager: %w", err)
	}
	return nil
}

// sealed returns a descriptor of memory that cannot be changed any more and that no file system
// shows.
func sealed(password []byte) (int, error) {
	fd, err := unix.MemfdCreate(Name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, err
	}
	_, err = unix.Write(fd, password)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Harden keeps this process's memory, which holds keys, out of core dumps and away from other
// processes of its user. A core dump to a pipe ignores the limit, so it takes both measures.
func Harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbidding memory dumps: %w", err)
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
		return fmt.Errorf("forbidding memory dumps: %w", err)
	}
	l.Cur = 0 // an App that wants core dumps can raise it again
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &l); err != nil {
		return fmt.Errorf("forbidding memory dumps: %w", err)
	}
	return nil
}
