//go:build unix

package support

import (
	"fmt"
	"io/fs"
	"syscall"
)

// noFollow refuses a link, and does not wait for the writer of a pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// owner says whose a file is.
func owner(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("  (%d:%d)", st.Uid, st.Gid)
}
