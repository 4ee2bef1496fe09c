package job

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownSession gives the shim its own invisible console, which its App shares: Ctrl-Break reaches the
// App and nobody else.
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW}
}

func brokenPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
