package doctor

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strings"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// runner becomes the sandbox user by sudo, as an order does, or checks the socket.
func runner(ctx context.Context, t *target) outcome {
	if t.settingsErr != nil {
		return skip("the settings cannot be read")
	}
	if _, err := parts.NewJobs(t.settings, t.Paths.State, slog.New(slog.DiscardHandler)); err != nil {
		return fail(hint(err, ""), "%s", oneLine(err))
	}
	name := t.settings.SandboxUser
	switch by := t.settings.Runner(); {
	case by == "socket":
		return listens("/proc/net/unix", job.SocketPath)
	case by != "sudo" && name == "":
		return warn("set appsSandboxUser to tc-job", "Apps run as the agent's own user and can read its secrets")
	case by != "sudo":
		return skip("appsRunner is %q", by)
	}
	if _, err := user.Lookup(name); err != nil {
		return fail(`"tcenvsvr host apply" makes it`, "there is no user %q", name)
	}
	cmd := exec.CommandContext(ctx, "sudo", "-n", "-u", name, "--", "/bin/true")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fail(`"tcenvsvr host apply" writes the rule; see /etc/sudoers.d/threatconnect`, "%v: %s", err, firstLine(withoutHostName(string(out))))
	}
	return ok("became %s and ran true", name)
}

// withoutHostName drops what sudo complains of on a host whose own name cannot be looked up: that
// keeps it from nothing.
func withoutHostName(said string) string {
	lines := slices.DeleteFunc(strings.Split(said, "\n"), func(line string) bool {
		return strings.Contains(line, "unable to resolve host")
	})
	return strings.Join(lines, "\n")
}

// isolated tries, as an order does, how far Apps are kept apart from each other.
func isolated(ctx context.Context, t *target) outcome {
	if t.settingsErr != nil {
		return skip("the settings cannot be read")
	}
	if !settings.Sandboxed {
		return skip("Apps are isolated on Linux only")
	}
	jobs, err := parts.NewJobs(t.settings, t.Paths.State, slog.New(slog.DiscardHandler))
	if err != nil {
		return skip("%s", oneLine(err))
	}
	i, err := jobs.Isolation(ctx)
	switch {
	case err != nil:
		return skip("%s", oneLine(err))
	case i.Wanted == "off":
		return warn(`"tcenvsvr settings set appsIsolation auto"`, "appsIsolation is off: an App can read what other Apps' files and processes hold")
	case i.Level == job.IsolationFull:
		return ok("each App has its own processes, files and /tmp")
	case i.Wanted == "required":
		return fail(isolationHint, "appsIsolation is required, and this host allows %q only: %s", i.Level, i.Missing)
	}
	return warn(isolationHint, "this host allows %q only: %s", i.Level, i.Missing)
}

const isolationHint = `allow user namespaces: sysctl user.max_user_namespaces=15000 (in /etc/sysctl.d); in a container, a /proc that is not masked`

// limited tries, as an order does, which limits hold for a single App. Not to have them is a warning
// where the settings ask for them.
func limited(ctx context.Context, t *target) outcome {
	if t.settingsErr != nil {
		return skip("the settings cannot be read")
	}
	jobs, err := parts.NewJobs(t.settings, t.Paths.State, slog.New(slog.DiscardHandler))
	if err != nil {
		return skip("%s", oneLine(err))
	}
	l, err := jobs.Limits(ctx)
	if err != nil {
		return skip("%s", oneLine(err))
	}
	holds := strings.Join(l.Holds, ", ")
	hint := limitsHint
	if t.settings.Runner() != "socket" {
		hint = limitsRunnerHint
	}
	switch {
	case l.Missing == "":
		return ok("%s of each App, as settings and orders say", holds)
	case slices.Contains(l.Holds, job.LimitMemory):
		return ok("%s of each App, as settings and orders say; not more: %s", holds, l.Missing)
	case !settings.Sandboxed:
		return skip("%s", l.Missing)
	case t.settings.AppsMemory > 0:
		return warn(hint, "appsMemoryMegabytes is %d and does not hold: %s", t.settings.AppsMemory, l.Missing)
	}
	return skip("memory of single Apps is not limited, as nothing asks for it; to have limits: %s", hint)
}

const (
	limitsRunnerHint = `"systemctl enable --now tc-job.socket", then "tcenvsvr settings set appsRunner socket", on a host with control groups of version 2`
	limitsHint       = `control groups of version 2 (boot with systemd.unified_cgroup_hierarchy=1), and Delegate=yes in tc-job@.service`
)

// listens checks in the kernel's table that somebody listens on the socket: a connection would
// start a shim.
func listens(table, path string) outcome {
	text, err := os.ReadFile(table)
	if err != nil {
		return skip("%v", err)
	}
	for line := range strings.Lines(string(text)) {
		// Num RefCount Protocol Flags Type St Inode Path; the flag is __SO_ACCEPTCON.
		if f := strings.Fields(line); len(f) == 8 && f[3] == "00010000" && f[7] == path {
			return ok("systemd listens on %q", path)
		}
	}
	return fail(`as root: "systemctl enable --now tc-job.socket"`, "appsRunner is \"socket\", and nobody listens on %q", path)
}
