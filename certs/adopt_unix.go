//go:build unix

package certs

import (
	"os"
	"path/filepath"
	"syscall"
)

// adopt gives what root has made to the owner of the folder it lies in, so
// that the agent, who is another user, can replace and remove it.
func adopt(paths ...string) {
	if os.Geteuid() != 0 {
		return
	}
	for _, path := range paths {
		info, err := os.Stat(filepath.Dir(path))
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			_ = os.Lchown(path, int(st.Uid), int(st.Gid)) // where that fails it stays root's, and readable
		}
	}
}
