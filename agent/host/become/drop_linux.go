package become

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// leaveTerminal gives up the controlling terminal and keeps it open. The leader of a session does
// not give it up: that would end the session's processes, and once the leader has ended there is no
// shell of root's to type into.
func leaveTerminal() (*os.File, error) {
	if sid, err := unix.Getsid(0); err != nil || sid == os.Getpid() {
		return nil, err
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if errors.Is(err, unix.ENXIO) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil, nil // there is none
	}
	if err != nil {
		return nil, fmt.Errorf("leaving the terminal: %w", err)
	}
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TIOCNOTTY, 0); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("leaving the terminal: %w", err)
	}
	return f, nil
}

// hide keeps the user's other processes from tracing this one, whose memory and descriptors are
// still root's.
func hide() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing this process to others: %w", err)
	}
	return nil
}

// self is the running program, whatever file is at its path by now.
func self() (string, error) { return "/proc/self/exe", nil }
