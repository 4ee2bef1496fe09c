//go:build unix

package env

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// CheckOwner returns an error if the folder state belongs to another user, who alone may change it.
// Root's process has become that user by now.
func CheckOwner(state string) error {
	info, err := os.Stat(state)
	if err != nil {
		return nil // there is none yet
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() {
		return nil
	}
	name := strconv.FormatUint(uint64(st.Uid), 10)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return fmt.Errorf("changing %q: it belongs to user %q: %w\nhint: run it as that user: \"sudo -u %s tcenvsvr …\"", state, name, os.ErrPermission, name)
}
