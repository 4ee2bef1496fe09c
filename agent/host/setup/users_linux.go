package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/tool"
)

// privileged are groups whose members can become root, or may read what Apps must not.
var privileged = []string{"root", "wheel", "sudo", "admin", "docker", "disk", "shadow", "kmem", "lxd", "libvirt", layout.Agent}

func users(ctx context.Context, h *Host) ([]plan.Finding, error) {
	var found []plan.Finding
	for _, group := range []string{layout.Agent, layout.Sandbox} {
		if _, err := tool.LookupGroup(ctx, group); errors.Is(err, tool.ErrNotFound) {
			found = append(found, plan.Finding{
				Text: fmt.Sprintf("group %q does not exist", group), Fix: "created",
				Do: func(ctx context.Context) error { return tool.Run(ctx, "groupadd", "-r", group) },
			})
		} else if err != nil {
			return found, err
		}
	}
	homes := map[string]string{layout.Agent: h.Home, layout.Sandbox: "/"}
	accounts := map[string]tool.Account{}
	for _, name := range []string{layout.Agent, layout.Sandbox} {
		a, err := tool.LookupUser(ctx, name)
		switch {
		case errors.Is(err, tool.ErrNotFound):
			found = append(found, plan.Finding{
				Text: fmt.Sprintf("user %q does not exist", name), Fix: "created",
				Do: func(ctx context.Context) error {
					return tool.Run(ctx, "useradd", "-r", "-g", name, "-d", homes[name], "-M", "-s", "/bin/sh", "-c", "ThreatConnect Environment Server", name)
				},
			})
			continue
		case err != nil:
			return found, err
		case a.UID == 0:
			return found, fmt.Errorf("user %q is root (uid 0): Apps and agent must not be; rename or remove that user", name)
		}
		accounts[name] = a
		found = append(found, expired(name, time.Now())...)
	}
	agent, sandbox := accounts[layout.Agent], accounts[layout.Sandbox]
	if sandbox.UID == 0 {
		return found, nil
	}
	if agent.UID == sandbox.UID {
		return found, fmt.Errorf("users %q and %q are the same (uid %d): Apps could read the agent's secrets; give %s another uid", layout.Agent, layout.Sandbox, agent.UID, layout.Sandbox)
	}
	if _, known := accounts[layout.Agent]; known && agent.GID == sandbox.GID {
		found = append(found, plan.Finding{
			Text: fmt.Sprintf("users %q and %q have one primary group (gid %d): Apps can read what is open to the agent's group, such as its logs", layout.Agent, layout.Sandbox, agent.GID),
			Try:  fmt.Sprintf("usermod -g %s %[1]s (and usermod -g %s %[2]s)", layout.Sandbox, layout.Agent),
		})
	}
	return append(found, memberships(ctx)...), nil
}

// memberships finds groups by which Apps could do more than they should.
func memberships(ctx context.Context) []plan.Finding {
	groups, err := tool.GroupNames(ctx, layout.Sandbox)
	if err != nil {
		return nil
	}
	var found []plan.Finding
	for _, group := range groups {
		if slices.Contains(privileged, group) {
			found = append(found, plan.Finding{
				Text: fmt.Sprintf("user %q is in group %q, and with it every App", layout.Sandbox, group),
				Try:  fmt.Sprintf("gpasswd -d %s %s", layout.Sandbox, group),
			})
		}
	}
	return found
}

// expired reads what the shadow file says about a user. su refuses an account that has expired or
// whose password must be changed; sudo refuses it as its caller.
func expired(name string, now time.Time) []plan.Finding {
	data, err := os.ReadFile("/etc/shadow")
	if err != nil {
		return nil // not root, or the user is kept elsewhere
	}
	today := now.Unix() / 86400
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) < 8 || f[0] != name {
			continue
		}
		day := func(i int) int64 {
			n, err := strconv.ParseInt(f[i], 10, 64)
			if err != nil {
				return -1
			}
			return n
		}
		changed, most, expires := day(2), day(4), day(7)
		effect := "su refuses to become it; sudo, which the agent uses, does not mind"
		if name == layout.Agent {
			effect = "sudo and su refuse to work for it"
		}
		switch {
		case expires >= 0 && expires <= today:
			return []plan.Finding{{Text: fmt.Sprintf("the account of %q has expired: %s", name, effect), Try: "chage -E -1 " + name}}
		case changed == 0 || changed > 0 && most >= 0 && most < 99999 && changed+most < today:
			return []plan.Finding{{Text: fmt.Sprintf("the password of %q has expired: %s", name, effect), Try: fmt.Sprintf("chage -d -1 -M -1 %s", name)}}
		}
	}
	return nil
}
