//go:build unix

package parts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tcenvsvr/agent/settings"
)

// apart refuses a sandbox user whose number is the agent's: that of this process, or that of the
// owner of the agent's state.
func apart(sandbox, state string) error {
	uid, known := userNumber(sandbox)
	if !known {
		return nil // starting an App will say so
	}
	agents := []int{os.Geteuid()}
	info, err := os.Stat(state)
	switch {
	case errors.Is(err, fs.ErrNotExist): // there is nothing to protect
	case err != nil:
		return fmt.Errorf("looking for the owner of the agent's files: %w", err)
	default:
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			agents = append(agents, int(st.Uid))
		}
	}
	if slices.Contains(agents, uid) {
		return &settings.ConflictError{Text: fmt.Sprintf("appsSandboxUser is %q, who has the agent's own uid %d: Apps could read the agent's keys, so none is run\nhint: name a user of its own (\"tcenvsvr settings set appsSandboxUser=USER\"), then run \"tcenvsvr host apply\"",
			sandbox, uid)}
	}
	return nil
}

// userNumber looks in this host's files and, if the user is not in them, asks all that the host
// knows, such as LDAP.
func userNumber(name string) (int, bool) {
	text := ""
	if u, err := user.Lookup(name); err == nil {
		text = u.Uid
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		out, _ := exec.CommandContext(ctx, "id", "-u", "--", name).Output() // no output is no number
		text = strings.TrimSpace(string(out))
	}
	uid, err := strconv.Atoi(text)
	return uid, err == nil
}
