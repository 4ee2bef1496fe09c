package launch

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// attributes give the program a process group of its own, so that only it receives Ctrl-Break.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// relay sends Ctrl-Break, which Go programs receive as an interrupt.
func relay(p *os.Process, _ os.Signal) error {
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid))
}

func signalOf(*os.ProcessState) string { return "" }
