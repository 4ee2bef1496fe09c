//go:build !linux && !windows

package launch

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
