package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tcenvsvr/agent/host/setup"
)

// reasons say why a step of the host's setup matters.
var reasons = map[string]string{
	"users":     "the agent and its Apps are users of their own",
	"programs":  "without the shim no App is started",
	"access":    "a folder above the home that is closed keeps agent or Apps from everything",
	"folders":   "owners, modes and ACLs decide who reads what",
	"sudoers":   "the agent may become the sandbox user and nobody else",
	"sudo":      "Apps become the sandbox user by it",
	"su":        "the vendor's guide asks for it (PAM)",
	"runtime":   "the agent's files in /run",
	"settings":  "Apps must not read what is the agent's",
	"state":     "the agent refuses its secrets where others could have read or changed them",
	"fapolicyd": "it would keep Apps from running",
	"labels":    "SELinux allows or forbids by them",
}

// checkSetup runs what "tcenvsvr host check" runs.
func (h *Host) checkSetup(ctx context.Context, c Config) {
	var err error
	s := bounded(ctx, checkTimeout, func(ctx context.Context) outcome {
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

// setupFindings turns the results of package setup into findings, one for each step.
func (t *target) setupFindings(h Host) []Finding {
	if h.hung != nil {
		return []Finding{{"sandbox", "host", Failed, h.hung.Found, "it decides what Apps may do", h.hung.Try}}
	}
	var all []Finding
	for _, r := range h.steps {
		all = append(all, t.setupFinding(r, h.asRoot))
	}
	return all
}

// mostTexts is how many findings of one step are reported.
const mostTexts = 3

// setupFinding makes one finding of all that a step found. Where Apps do not run as a sandbox user,
// a host that is not set up for one is only worth a warning.
func (t *target) setupFinding(r setup.Result, asRoot bool) Finding {
	bad := Failed
	if t.settings.Runner() == "none" {
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
