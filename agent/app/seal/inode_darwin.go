package seal

import (
	"io/fs"
	"syscall"
)

// inodeOf is the inode of a file and when that last changed.
func inodeOf(info fs.FileInfo) (inode uint64, changed int64, known bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return st.Ino, st.Ctimespec.Nano(), true
}
