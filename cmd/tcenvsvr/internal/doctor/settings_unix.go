//go:build unix

package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// exposed reports whether others may read or change a file that its group may read.
func exposed(mode fs.FileMode) bool { return mode&0o026 != 0 }

// open reports whether anybody but its owner has rights to a file of secrets: the agent refuses it
// then.
func open(mode fs.FileMode) bool { return mode&0o077 != 0 }

// owner names the owner of a file.
func owner(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	name := strconv.Itoa(int(st.Uid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return fmt.Sprintf(", owner %s", name)
}

// isOurs reports whether a file belongs to the user of this process.
func isOurs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
