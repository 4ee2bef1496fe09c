//go:build unix

package place

import (
	"io/fs"
	"syscall"
)

func numbers(info fs.FileInfo) (device, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), st.Ino //nolint:unconvert // their types differ between systems
	}
	return 0, 0
}
