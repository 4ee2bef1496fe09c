package janitor

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// defaultACL is the attribute in which a folder has what those below inherit.
const defaultACL = "system.posix_acl_default"

// rights are what folders in dir inherit, as a text to compare.
func rights(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return ""
	}
	var acl [1024]byte
	n, err := unix.Getxattr(dir, defaultACL, acl[:])
	return fmt.Sprintf("%v %d %x %v", info.Mode(), info.Sys().(*syscall.Stat_t).Gid, acl[:max(0, n)], err)
}
