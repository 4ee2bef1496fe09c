package launch

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// attributes: a group of its own, so that Ctrl-Break reaches it alone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// relay sends what Go programs take for an interrupt.
func relay(p *os.Process, _ os.Signal) error {
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid))
}

func signalOf(*os.ProcessState) string { return "" }
