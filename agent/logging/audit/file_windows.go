package audit

import (
	"os"

	"golang.org/x/sys/windows"
)

// noFollow: making links takes a privilege on Windows.
const noFollow = 0

func plain(*os.File) error { return nil }

// tryLock locks a file, if no process has locked it. The lock covers a byte far behind the data,
// because Windows locks are mandatory.
func tryLock(f *os.File) (unlock func(), ok bool) {
	at := windows.Overlapped{OffsetHigh: 1 << 30}
	h := windows.Handle(f.Fd())
	err := windows.LockFileEx(h, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	return func() { _ = windows.UnlockFileEx(h, 0, 1, 0, &at) }, err == nil
}
