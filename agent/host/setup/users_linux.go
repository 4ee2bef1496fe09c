package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// account is a line of the user database, wherever that is kept.
type account struct {
	uid, gid int
}

// errNobody means that the user or group does not exist.
var errNobody = errors.New("does not exist")

// privileged are groups whose members are as good as root, or may read what Apps must not.
var privileged = []string{"root", "wheel", "sudo", "admin", "docker", "disk", "shadow", "kmem", "lxd", "libvirt", Agent}

func users(ctx context.Context, h *Host) ([]Finding, error) {
	var found []Finding
	for _, group := range []string{Agent, Sandbox} {
		if _, err := lookupGroup(ctx, group); errors.Is(err, errNobody) {
			found = append(found, Finding{
				Text: fmt.Sprintf("group %q does not exist", group), Fix: "created",
				do: func(ctx context.Context) error { return tool(ctx, "groupadd", "-r", group) },
			})
		} else if err != nil {
			return found, err
		}
	}
	homes := map[string]string{Agent: h.Home, Sandbox: "/"}
	accounts := map[string]account{}
	for _, name := range []string{Agent, Sandbox} {
		a, err := lookupUser(ctx, name)
		switch {
		case errors.Is(err, errNobody):
			found = append(found, Finding{
				Text: fmt.Sprintf("user %q does not exist", name), Fix: "created",
				do: func(ctx context.Context) error {
					return tool(ctx, "useradd", "-r", "-g", name, "-d", homes[name], "-M", "-s", "/bin/sh", "-c", "ThreatConnect Environment Server", name)
				},
			})
			continue
		case err != nil:
			return found, err
		case a.uid == 0:
			return found, fmt.Errorf("user %q is root (uid 0): Apps and agent must not be; rename or remove that user", name)
		}
		accounts[name] = a
		found = append(found, aged(name, time.Now())...)
	}
	agent, sandbox := accounts[Agent], accounts[Sandbox]
	if sandbox.uid == 0 {
		return found, nil
	}
	if agent.uid == sandbox.uid {
		return found, fmt.Errorf("users %q and %q are the same (uid %d): Apps could read the agent's secrets; give %s another uid", Agent, Sandbox, agent.uid, Sandbox)
	}
	return append(found, memberships(ctx)...), nil
}

// memberships are groups through which Apps could do more than they should.
func memberships(ctx context.Context) []Finding {
	out, err := lookupOutput(ctx, "id", "-nG", Sandbox)
	if err != nil {
		return nil
	}
	var found []Finding
	for _, group := range strings.Fields(string(out)) {
		if slices.Contains(privileged, group) {
			found = append(found, Finding{
				Text: fmt.Sprintf("user %q is in group %q, and with it every App", Sandbox, group),
				Try:  fmt.Sprintf("gpasswd -d %s %s", Sandbox, group),
			})
		}
	}
	return found
}

// aged reads what the shadow file says about a user: an account that has
// expired, or whose password must be changed, is refused by su, and as the caller by sudo, too.
func aged(name string, now time.Time) []Finding {
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
		if name == Agent {
			effect = "sudo and su refuse to work for it"
		}
		switch {
		case expires >= 0 && expires <= today:
			return []Finding{{Text: fmt.Sprintf("the account of %q has expired: %s", name, effect), Try: "chage -E -1 " + name}}
		case changed == 0 || changed > 0 && most >= 0 && most < 99999 && changed+most < today:
			return []Finding{{Text: fmt.Sprintf("the password of %q has expired: %s", name, effect), Try: fmt.Sprintf("chage -d -1 -M -1 %s", name)}}
		}
	}
	return nil
}

func lookupUser(ctx context.Context, name string) (account, error) {
	f, err := getent(ctx, "passwd", name, 4)
	if err != nil {
		return account{}, err
	}
	uid, err1 := strconv.Atoi(f[2])
	gid, err2 := strconv.Atoi(f[3])
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("looking up user %q: %w", name, err)
	}
	return account{uid, gid}, nil
}

func lookupGroup(ctx context.Context, name string) (int, error) {
	f, err := getent(ctx, "group", name, 3)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(f[2])
}

// getent asks all sources that the host knows, LDAP among them, which a
// program without cgo does not.
func getent(ctx context.Context, database, name string, fields int) ([]string, error) {
	out, err := lookupOutput(ctx, "getent", database, name)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return nil, fmt.Errorf("%s entry %q: %w", database, name, errNobody)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %s entry %q: %w", database, name, err)
	}
	f := strings.Split(strings.TrimSpace(string(out)), ":")
	if len(f) < fields {
		return nil, fmt.Errorf("looking up %s entry %q: getent answered %.100q", database, name, out)
	}
	return f, nil
}
