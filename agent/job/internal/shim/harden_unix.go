//go:build unix

package shim

import (
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// diskFull are the errors of a write for which there is no space.
var diskFull = []error{unix.ENOSPC, unix.EDQUOT}

// hide closes the process to Apps, which run as the same user. A prewarmed shim waits long for its
// request: an App that could read its memory or descriptors would read the secrets of another
// order.
func hide() {
	unix.Umask(0o007) // the App's outputs are for the agent, too, by group or ACL
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	hardenSystem()
}

// harden prepares the process to be a supervisor. It catches signals rather than ignoring them,
// because the App would inherit that they are ignored. SIGPIPE is among them, because the agent may
// be gone when it is answered.
func harden() chan os.Signal {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	_, _ = unix.Setsid() // fails if sudo's child leads its group already, which is as good
	return signals
}

// mustEnd is false for HUP, which comes from terminals, and PIPE, which comes from agents that
// died.
func mustEnd(sig os.Signal) bool { return sig == unix.SIGTERM }

// detach closes the agent's pipes, so that nothing happens when the agent ends.
func detach(stdin io.Reader, stdout, stderr io.Writer) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(null)
	for fd, f := range []any{stdin, stdout, stderr} {
		if file, ok := f.(*os.File); ok && file.Fd() == uintptr(fd) {
			_ = dup2(null, fd)
		}
	}
}
