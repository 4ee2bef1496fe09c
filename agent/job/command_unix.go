//go:build unix

package job

import (
	"errors"
	"syscall"
)

// ownSession takes the shim out of the reach of the agent's terminal.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func brokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
