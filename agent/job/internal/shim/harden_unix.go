//go:build unix

package shim

import (
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// diskFull are the errors of a write that needs somebody to make room.
var diskFull = []error{unix.ENOSPC, unix.EDQUOT}

// hide closes the process to Apps, which run as the same user: a spare waits long for its
// request, and whoever has its memory or descriptors by then has another order's secrets.
func hide() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	hardenSystem()
}

// harden makes the process the one that the package promises. The signals it catches are not ignored:
// the App would inherit that. SIGPIPE is among them, because the agent may be gone when it is answered.
func harden() <-chan os.Signal {
	unix.Umask(0o007) // the App's outputs are for the agent, too, by group or ACL
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	_, _ = unix.Setsid() // fails where sudo's child leads its group already, which does as well
	return signals
}

// mustEnd: HUP comes from terminals and PIPE from agents that died.
func mustEnd(sig os.Signal) bool { return sig == unix.SIGTERM }

// detach lets go of the agent's pipes, so that their break is not felt.
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
