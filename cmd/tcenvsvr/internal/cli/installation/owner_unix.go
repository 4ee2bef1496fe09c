//go:build unix

package installation

import (
	"os"
	"syscall"
)

// ownerOf is the user that owns the agent's folder; only root could have
// given it away. -1 is nobody.
func ownerOf(dir string) int {
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return int(st.Uid)
		}
	}
	return -1
}
