package shim

import "golang.org/x/sys/unix"

// hardenSystem: orphans of the App come to us, other processes of the
// sandbox user may not look into our memory, and nothing that was left open by
// whoever started the agent reaches the App. All are best effort.
func hardenSystem() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.CloseRange(3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC)
}

func dup2(from, to int) error { return unix.Dup3(from, to, 0) }
