//go:build unix

package interpreter

import (
	"io/fs"
	"syscall"
)

// sameOwner reports whether both files have the same owner. A file of root's that has a second name
// in somebody's folder must not be opened to everybody.
func sameOwner(a, b fs.FileInfo) bool {
	x, ok := a.Sys().(*syscall.Stat_t)
	y, ok2 := b.Sys().(*syscall.Stat_t)
	return ok && ok2 && x.Uid == y.Uid
}
