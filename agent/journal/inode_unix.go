//go:build unix

package journal

import (
	"fmt"
	"io/fs"
	"syscall"
)

// inode tells folders apart that have the same path in different
// containers.
func inode(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(st.Dev, st.Ino)
	}
	return ""
}
