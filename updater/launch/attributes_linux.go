package launch

import "syscall"

// attributes: a launcher that is killed must not leave an agent that the next one's
// collides with. It is asked to end; its jobs go on.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
