//go:build unix

package installation

import (
	"os"
	"syscall"
)

// ownerOf returns the user id that owns the agent's folder, -1 if there is none. Only root could
// have given the folder away.
func ownerOf(dir string) int {
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return int(st.Uid)
		}
	}
	return -1
}
