package policy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// answer is what "policy check" and "policy test" say.
type answer struct {
	Policy  string `json:"policy"` // the file
	Allowed bool   `json:"allowed"`
	Rule    string `json:"rule"`
	Reason  string `json:"reason"`
	// MaxTimeoutMS is the longest that the App may run, 0 for any time.
	MaxTimeoutMS int64 `json:"max_timeout_ms,omitempty"`

	App       string `json:"app"`
	Version   string `json:"version"`
	SHA256    string `json:"sha256,omitempty"`
	Runtime   string `json:"runtime"`
	Signature string `json:"signature,omitempty"` // of the package: none, good, or what is wrong with it
	Publisher string `json:"publisher,omitempty"`

	Steps []policy.Step `json:"steps"`
	// Orders is what else orders of this App must fulfil.
	Orders []string `json:"orders,omitempty"`
}

func decide(p *policy.Policy, path string, r policy.Request) answer {
	d := p.Decide(r)
	return answer{
		Policy: path, Allowed: d.Allowed, Rule: d.Rule, Reason: d.Reason, MaxTimeoutMS: d.MaxTimeout.Milliseconds(),
		App: r.App, Version: r.Version, SHA256: r.SHA256, Runtime: r.Runtime, Publisher: r.Publisher,
		Steps: append([]policy.Step{}, p.Explain(r)...),
	}
}

// print prints the answer, and returns the error that makes the exit code.
func (a answer) print(e *env.Env, p *policy.Policy, asJSON bool) error {
	if asJSON {
		if err := cli.PrintJSON(e.Stdout, a); err != nil {
			return err
		}
	} else {
		a.text(e)
	}
	switch {
	case a.Allowed:
		return nil
	case p.Err() != nil:
		return errors.Join(ErrInvalid, cli.ErrReported)
	}
	return errors.Join(ErrDenied, cli.ErrReported)
}

func (a answer) text(e *env.Env) {
	verdict := "DENIED"
	if a.Allowed {
		verdict = "allowed"
	}
	longest := ""
	if a.MaxTimeoutMS > 0 {
		longest = (time.Duration(a.MaxTimeoutMS) * time.Millisecond).String()
	}
	fmt.Fprintf(e.Stdout, "%s\n", verdict)
	cli.Facts(e.Stdout, "  rule", a.Rule, "  reason", a.Reason, "  App", strings.TrimSpace(a.App+" "+a.Version), "  runtime", a.Runtime, "  sha256", a.SHA256,
		"  signature", a.Signature, "  publisher", a.Publisher, "  at most", longest)
	for _, s := range a.Steps {
		if s.Miss != "" {
			fmt.Fprintf(e.Stdout, "  rule %q does not match: %s\n", s.Rule, s.Miss)
		}
	}
	for _, o := range a.Orders {
		fmt.Fprintf(e.Stdout, "  %s\n", o)
	}
}
