package launch

import "syscall"

// attributes ask the agent to end when its launcher is killed: it would collide with the agent of
// the next launcher. Its jobs go on.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
