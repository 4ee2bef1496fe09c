package shim

import "golang.org/x/sys/unix"

// hardenSystem makes orphans of the App our children, keeps other processes of the sandbox user
// from reading our memory, and keeps files that were left open before the agent was started from
// the App. All are best effort.
func hardenSystem() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.CloseRange(3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC)
}

func dup2(from, to int) error { return unix.Dup3(from, to, 0) }
