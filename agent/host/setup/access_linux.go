package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/tool"
)

// access looks whether the agent and Apps reach their folders: each folder from / to Home must let
// them pass, and nothing else looks at those above Home, which are the host's own. It tries as the
// user, so that modes, groups and ACLs count as they do for the kernel.
func access(ctx context.Context, h *Host) ([]plan.Finding, error) {
	if os.Geteuid() != 0 {
		if folder := paths.Barrier(h.Home); folder != "" {
			return []plan.Finding{{Text: fmt.Sprintf("the folder %q cannot be passed by this user", folder), Try: "run it as root, who sees everything"}}, nil
		}
		return nil, nil
	}
	var found []plan.Finding
	for _, who := range []struct{ name, effect string }{
		{layout.Agent, "the service does not start"},
		{layout.Sandbox, "no App can run"},
	} {
		user, err := tool.LookupUser(ctx, who.name)
		if errors.Is(err, tool.ErrNotFound) {
			continue // the first step reports it
		}
		if err == nil {
			user.Groups, err = tool.Groups(ctx, who.name)
		}
		if err != nil {
			return found, err
		}
		closed, err := barrier(ctx, who.name, user, h.Home)
		if err != nil {
			return found, err
		}
		if closed != "" {
			found = append(found, plan.Finding{
				Text: fmt.Sprintf("the folder %q, on the way to %q, cannot be passed by user %q: %s", closed, h.Home, who.name, who.effect),
				Try:  paths.Opening(closed, who.name),
			})
		}
	}
	return found, nil
}

// barrier is the first folder from / to home, home included, that the user cannot pass; "" is none.
// A folder that does not exist is reported by another step.
func barrier(ctx context.Context, name string, user tool.Account, home string) (string, error) {
	args := []string{"-c", `for d; do [ -e "$d" ] && ! [ -x "$d" ] && { printf %s "$d"; exit 0; }; done; exit 0`, "sh"}
	at := "/"
	for part := range strings.SplitSeq(home, "/") {
		at = filepath.Join(at, part)
		args = append(args, at)
	}
	c, err := tool.CommandAs(ctx, user, "sh", args...)
	if err != nil {
		return "", err
	}
	closed, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("trying the folders of %q as user %q: %w", home, name, err)
	}
	return string(closed), nil
}
