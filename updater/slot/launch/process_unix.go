//go:build unix

package launch

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func relay(p *os.Process, s os.Signal) error { return p.Signal(s) }

// signalOf is the name, without SIG, of the signal that ended a process; "" where none did.
func signalOf(p *os.ProcessState) string {
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG")
	}
	return ""
}
