package policy

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A View is a policy as "policy show" prints it. The same policy always gives the same bytes.
type View struct {
	State    string    `json:"state"` // none, valid, invalid
	Error    string    `json:"error,omitempty"`
	SHA256   string    `json:"sha256,omitempty"` // of the file
	Document *Document `json:"policy,omitempty"`
	Advice   []string  `json:"advice,omitempty"`
}

// View returns the policy for display and as JSON.
func (p *Policy) View() View {
	switch {
	case p == nil || p.doc == nil && p.err == nil && !p.absent:
		return View{State: "invalid", Error: "there is no policy to decide by"}
	case p.err != nil:
		return View{State: "invalid", Error: p.err.Error()}
	case p.absent:
		return View{State: "none"}
	}
	return View{State: "valid", SHA256: p.digest, Document: p.doc, Advice: p.Advice()}
}

// Describe returns the policy as text: the file's content without comments, with every default
// written out. [Parse] reads it as the same policy. Without a valid policy it is a comment that
// says so.
func (p *Policy) Describe() string {
	v := p.View()
	switch v.State {
	case "none":
		return "# There is no policy: everything is allowed.\n"
	case "invalid":
		return "# Everything is denied: " + strings.ReplaceAll(v.Error, "\n", " ") + "\n"
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(v.Document); err != nil {
		return fmt.Sprintf("# The policy cannot be shown: %v\n", err) // texts and lists always can
	}
	return out.String()
}

// Err returns why the policy denies everything, or nil.
func (p *Policy) Err() error {
	if p == nil {
		return nil
	}
	return p.err
}

// State is another text for each policy: "none", "invalid: " and why, or "valid: " and the file's
// SHA-256.
func (p *Policy) State() string {
	switch {
	case p.Absent():
		return "none"
	case p.Err() != nil:
		return "invalid: " + p.err.Error()
	case p == nil || p.doc == nil:
		return "invalid"
	}
	return "valid: " + p.digest
}

// Absent reports whether there is no policy, so that everything is allowed.
func (p *Policy) Absent() bool { return p != nil && p.absent }

// Advice tells the author of the policy where it trusts more than it may seem.
func (p *Policy) Advice() []string {
	if p == nil || p.doc == nil {
		return nil
	}
	var all []string
	if len(p.rules) == 0 {
		all = append(all, "there are no rules: every order is denied")
	}
	used := map[string]bool{}
	covered := ""
	for i := range p.rules {
		r := &p.rules[i]
		d := &r.doc
		if covered != "" {
			all = append(all, fmt.Sprintf("rule %q is never reached: rule %q before it matches everything", r.name, covered))
		}
		for _, name := range d.Publishers {
			used[name] = true
		}
		if !r.deny && len(d.SHA256) == 0 && len(d.Publishers) == 0 {
			all = append(all, fmt.Sprintf("rule %q allows by what the cloud says alone: add publishers or sha256, so that nobody else's code runs under such a name", r.name))
		}
		if covered == "" && len(d.Apps)+len(d.Versions)+len(d.SHA256)+len(d.Publishers)+len(d.Runtimes) == 0 {
			covered = r.name
		}
	}
	for _, name := range sorted(p.doc.Publishers) {
		if !used[name] {
			all = append(all, fmt.Sprintf("publisher %q is in no rule", name))
		}
	}
	if p.doc.Orders.Signed != required {
		all = append(all, "orders need not be signed: somebody who controls the cloud can run every allowed App with parameters of their choice")
	}
	return all
}
