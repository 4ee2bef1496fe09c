package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"tcenvsvr/agent/host/paths"
)

// way looks whether agent and Apps reach their folders: each folder from / to
// Home must let them pass, and those above Home are the host's own, which nobody else
// has looked at. It is tried as the user, so that modes, groups and ACLs count as they do for the kernel.
func way(ctx context.Context, h *Host) ([]Finding, error) {
	if os.Geteuid() != 0 {
		if folder := paths.Barrier(h.Home); folder != "" {
			return []Finding{{Text: fmt.Sprintf("the folder %q cannot be passed by who looks", folder), Try: "run it as root, who sees everything"}}, nil
		}
		return nil, nil
	}
	var found []Finding
	for _, who := range []struct{ name, effect string }{
		{Agent, "the service does not start"},
		{Sandbox, "no App can run"},
	} {
		user, err := lookupUser(ctx, who.name)
		if errors.Is(err, errNobody) {
			continue // the first step says so
		}
		if err != nil {
			return found, err
		}
		closed, err := barrier(ctx, who.name, user, h.Home)
		if err != nil {
			return found, err
		}
		if closed != "" {
			found = append(found, Finding{
				Text: fmt.Sprintf("the folder %q, on the way to %q, cannot be passed by user %q: %s", closed, h.Home, who.name, who.effect),
				Try:  paths.Opening(closed, who.name),
			})
		}
	}
	return found, nil
}

// barrier is the first folder on the way to home, home included, that user
// cannot pass; "" is none. What does not exist is somebody else's finding.
func barrier(ctx context.Context, name string, user account, home string) (string, error) {
	out, err := lookupOutput(ctx, "id", "-G", name)
	if err != nil {
		return "", fmt.Errorf("looking up the groups of %q: %w", name, err)
	}
	var groups []uint32
	for _, field := range strings.Fields(string(out)) {
		gid, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return "", fmt.Errorf("looking up the groups of %q: id answered %.100q", name, out)
		}
		groups = append(groups, uint32(gid))
	}
	args := []string{"-c", `for d; do [ -e "$d" ] && ! [ -x "$d" ] && { printf %s "$d"; exit 0; }; done; exit 0`, "sh"}
	at := "/"
	for part := range strings.SplitSeq(home, "/") {
		at = filepath.Join(at, part)
		args = append(args, at)
	}
	c, err := command(ctx, "sh", args...)
	if err != nil {
		return "", err
	}
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user.uid), Gid: uint32(user.gid), Groups: groups}, Setsid: true}
	closed, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("looking at the way to %q as user %q: %w", home, name, err)
	}
	return string(closed), nil
}
