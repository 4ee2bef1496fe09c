package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strings"

	"tcenvsvr/agent/provision"
)

// sudoTrue really becomes the sandbox user, as an order would. Root does not
// need a rule to do so; for root, package provision becomes the agent's user first.
func sudoTrue(ctx context.Context, p *patient) said {
	name := p.settings.SandboxUser
	if p.settings.Runner() != "sudo" {
		if name == "" {
			return warn("set appsSandboxUser to tc-job", "Apps run as the agent's own user and can read its secrets")
		}
		return skip("appsRunner is %q", p.settings.Runner())
	}
	if _, err := user.Lookup(name); err != nil {
		return fail(`"tcenvsvr host apply" makes it`, "there is no user %q", name)
	}
	if os.Geteuid() == 0 {
		return skip("run as root: see sudo below, which is tried as the agent's user")
	}
	cmd := exec.CommandContext(ctx, "sudo", "-n", "-u", name, "--", "/bin/true")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fail(`"tcenvsvr host apply" writes the rule; see /etc/sudoers.d/threatconnect`, "%v: %s", err, firstLine(string(out)))
	}
	return ok("became %s and ran true", name)
}

// reasons say why a step of provision matters.
var reasons = map[string]string{
	"users":     "the agent and its Apps are users of their own",
	"folders":   "owners, modes and ACLs decide who reads what",
	"sudoers":   "the agent may become the sandbox user and nobody else",
	"sudo":      "Apps become the sandbox user by it",
	"su":        "the vendor's guide asks for it (PAM)",
	"runtime":   "the agent's files in /run",
	"settings":  "Apps must not read what is the agent's",
	"fapolicyd": "it would keep Apps from running",
	"labels":    "SELinux judges files by them",
}

// provisioned is what "host check" says, in the doctor's words.
func (p *patient) provisioned(ctx context.Context) []Finding {
	var all []Finding
	tell := func(r provision.Result) {
		all = append(all, p.step(r))
	}
	var err error
	s := bounded(ctx, patience, func(ctx context.Context) said {
		h := &provision.Host{Home: p.Paths.Home}
		err = h.Check(ctx, tell)
		return ok("")
	})
	switch {
	case s.Verdict == Failed:
		return []Finding{{"sandbox", "host", Failed, s.Found, "it decides what Apps may do", s.Try}}
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	}
	return all
}

// mostTexts is how many findings of one step are told.
const mostTexts = 3

// step makes one finding of all that a step found. Where Apps do not run as a
// sandbox user, a host that is not set up for one is worth a warning.
func (p *patient) step(r provision.Result) Finding {
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
		if errors.Is(r.Err, os.ErrPermission) || os.Geteuid() != 0 {
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
