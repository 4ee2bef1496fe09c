package seal

import (
	"io/fs"
	"strconv"
	"syscall"
)

// appendInode adds the inode and when it last changed, a time that nobody can set back.
func appendInode(line []byte, info fs.FileInfo) []byte {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return line
	}
	line = strconv.AppendUint(append(line, 0), st.Ino, 36)
	return strconv.AppendInt(append(line, 0), st.Ctimespec.Nano(), 36)
}
