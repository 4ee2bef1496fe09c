//go:build unix && !linux

package shim

import (
	"syscall"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/spec"
)

// subreaper: these systems have none, so orphans go to init.
const subreaper = false

func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// confine does nothing: these systems cannot set the limits of another process.
func confine(int, spec.Limits) {}

func hardenSystem() {}

func dup2(from, to int) error { return unix.Dup2(from, to) }

func traced() bool { return false }
