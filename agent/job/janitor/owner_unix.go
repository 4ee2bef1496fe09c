//go:build unix

package janitor

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// directory opens folders alone, through no link.
const directory = syscall.O_DIRECTORY | syscall.O_NOFOLLOW

// Ours reports whether we own what info is of.
func Ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// changed is the time of the last change, as far as it can be believed: an App may give a folder
// any time of modification, but not one of the inode's change.
func changed(info fs.FileInfo) time.Time {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime()
	}
	if inode := changeTime(st); inode.Before(info.ModTime()) {
		return inode
	}
	return info.ModTime()
}

// onDisk is the room that a file takes, which is not its size: it may have holes.
func onDisk(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
