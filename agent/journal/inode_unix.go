//go:build unix

package journal

import (
	"fmt"
	"io/fs"
	"syscall"
)

// noFollow refuses a link in place of a file.
const noFollow = syscall.O_NOFOLLOW

// inode tells folders apart that have the same path in different
// containers.
func inode(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(st.Dev, st.Ino)
	}
	return ""
}
