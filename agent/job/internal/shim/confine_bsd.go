//go:build unix && !linux

package shim

import (
	"syscall"

	"tcenvsvr/agent/job/internal/spec"
)

// subreaper: no such thing here, orphans go to init.
const subreaper = false

func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// confine can do nothing: there is no setting of another process's limits.
func confine(int, spec.Limits) {}
