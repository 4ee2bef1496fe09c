//go:build !linux

package proxy

import "syscall"

// control has nothing to set here.
func control(_, _ string, _ syscall.RawConn) error { return nil }
