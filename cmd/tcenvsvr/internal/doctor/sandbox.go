package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"strings"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/job"
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
)

// runner really becomes the sandbox user by sudo, as an order would, or looks at the socket.
func runner(ctx context.Context, p *patient) said {
	if p.settingsErr != nil {
		return skip("the settings cannot be read")
	}
	if _, err := daemon.NewJobs(p.settings, p.Paths.State, slog.New(slog.DiscardHandler)); err != nil {
		return fail(hint(err, ""), "%s", oneLine(err))
	}
	name := p.settings.SandboxUser
	switch by := p.settings.Runner(); {
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
		return fail(`"tcenvsvr host apply" writes the rule; see /etc/sudoers.d/threatconnect`, "%v: %s", err, firstLine(string(out)))
	}
	return ok("became %s and ran true", name)
}

// listens looks whether somebody listens on the socket. Connecting to it would start a shim.
func listens(table, path string) said {
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

// reasons say why a step of host setup matters.
var reasons = map[string]string{
	"users":     "the agent and its Apps are users of their own",
	"access":    "a folder above the home that is closed keeps agent or Apps from everything",
	"folders":   "owners, modes and ACLs decide who reads what",
	"sudoers":   "the agent may become the sandbox user and nobody else",
	"sudo":      "Apps become the sandbox user by it",
	"su":        "the vendor's guide asks for it (PAM)",
	"runtime":   "the agent's files in /run",
	"settings":  "Apps must not read what is the agent's",
	"state":     "the agent refuses its secrets where others could have read or changed them",
	"fapolicyd": "it would keep Apps from running",
	"labels":    "SELinux judges files by them",
}

// hostSetUp is what "host check" says.
func (h *Host) hostSetUp(ctx context.Context, c Config) {
	var err error
	s := bounded(ctx, patience, func(ctx context.Context) said {
		host := &setup.Host{Home: c.Paths.Home}
		err = host.Check(ctx, func(r setup.Result) { h.steps = append(h.steps, r) })
		return ok("")
	})
	switch {
	case s.Verdict == Failed:
		h.hung, h.steps = &s, nil
	case errors.Is(err, errors.ErrUnsupported):
		h.steps = nil
	}
}

// steps are the findings of package setup, in the doctor's words.
func (p *patient) steps(h Host) []Finding {
	if h.hung != nil {
		return []Finding{{"sandbox", "host", Failed, h.hung.Found, "it decides what Apps may do", h.hung.Try}}
	}
	var all []Finding
	for _, r := range h.steps {
		all = append(all, p.step(r, h.asRoot))
	}
	return all
}

// mostTexts is how many findings of one step are told.
const mostTexts = 3

// step makes one finding of all that a step found. Where Apps do not run as a
// sandbox user, a host that is not set up for one is worth a warning.
func (p *patient) step(r setup.Result, asRoot bool) Finding {
	bad := Failed
	if p.settings.Runner() == "none" {
		bad = Warning
	}
	f := Finding{Group: "sandbox", Name: r.Step, Verdict: OK, Found: "as it should be", Why: reasons[r.Step]}
	var texts []string
	for _, x := range r.Findings {
		texts = append(texts, x.Text)
		if x.Note() {
			continue
		}
		f.Verdict, f.Try = bad, x.Try
		if x.Try == "" {
			f.Try = `"tcenvsvr host apply", or "tcenvsvr doctor --fix", as root`
		}
	}
	if r.Err != nil {
		f.Verdict, f.Try = bad, `see "tcenvsvr host check"`
		if errors.Is(r.Err, os.ErrPermission) || !asRoot {
			f.Verdict, f.Try = Skipped, ""
		}
		texts = append(texts, oneLine(r.Err))
	}
	if n := len(texts) - mostTexts; n > 1 {
		texts = append(texts[:mostTexts], fmt.Sprintf("and %d more: see \"tcenvsvr host check\"", n))
	}
	if len(texts) > 0 {
		f.Found = strings.Join(texts, "; ")
	}
	return f
}
