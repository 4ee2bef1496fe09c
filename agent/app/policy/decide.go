package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Request is what is to be decided. Empty fields are the careful ones: not signed, not sealed.
type Request struct {
	App     string // the package's top folder without _v…
	Version string
	SHA256  string // of the .tcx file, in hex
	Runtime string // job, playbook, service
	Timeout time.Duration

	Job       bool   // it is a run of a Job of the cloud; only for the words of a Decision
	Publisher string // from [Policy.Publisher] once the package's signature was verified; "" = nobody
	Signer    string // from [Policy.Signer] once the order's signature was verified; "" = nobody
	Sealed    bool   // each parameter that install.json calls encrypted came sealed, or there is none
}

// Check refuses what no order can be, whatever the policy: an owner of keys whose name no policy can have,
// and a digest that is none.
func (r Request) Check() error {
	for _, owner := range []struct{ what, name string }{{"publisher", r.Publisher}, {"signer", r.Signer}} {
		if owner.name == "" {
			continue
		}
		if err := named(owner.name); err != nil {
			return fmt.Errorf("%s: %w", owner.what, err)
		}
	}
	if r.SHA256 == "" {
		return nil
	}
	return checkDigest(r.SHA256)
}

// A Decision is the answer, with what a result and the audit log say of it.
type Decision struct {
	Allowed bool   `json:"allowed"`
	Rule    string `json:"rule"`   // the rule that decided, or RuleFile, RuleOrders, RuleDefault; "" = there is no policy
	Reason  string `json:"reason"` // one line
	// MaxTimeout is the longest the App may run, 0 for any time. An order
	// that asks for longer is not allowed; one that does not ask gets this.
	MaxTimeout time.Duration `json:"max_timeout_ns"`
}

// Decide applies the policy to the request.
func (p *Policy) Decide(r Request) Decision {
	if d := p.DecideOrder(r); !d.Allowed || p.absent {
		return d
	}
	return p.decideApp(r)
}

// DecideRunning applies the rules alone to an App that runs. How its order had to be was decided when it
// started. A policy that does not count ends nothing: somebody may be writing it.
func (p *Policy) DecideRunning(r Request) Decision {
	if p == nil || p.doc == nil {
		return Decision{Allowed: true, Reason: "there is no policy that counts: what runs goes on"}
	}
	return p.decideApp(r)
}

func (p *Policy) decideApp(r Request) Decision {
	for i := range p.rules {
		rule := &p.rules[i]
		if rule.miss(r) != "" {
			continue
		}
		if rule.deny {
			return Decision{Rule: rule.name, Reason: fmt.Sprintf("%s: rule %q denies it", r, rule.name)}
		}
		most := rule.max
		if most == 0 || p.orderMax != 0 && p.orderMax < most {
			most = p.orderMax
		}
		if most != 0 && r.Timeout > most {
			return Decision{Rule: rule.name, Reason: fmt.Sprintf("%s: the order asks for %v, rule %q allows at most %v", r, r.Timeout, rule.name, most)}
		}
		return Decision{Allowed: true, Rule: rule.name, Reason: fmt.Sprintf("%s: rule %q allows it", r, rule.name), MaxTimeout: most}
	}
	return Decision{Rule: RuleDefault, Reason: fmt.Sprintf("%s: no rule allows it", r)}
}

// DecideOrder applies the section "orders" alone, which needs neither the package nor its
// publisher: an order that fails here need not be fetched for.
func (p *Policy) DecideOrder(r Request) Decision {
	switch {
	case p == nil:
		return Decision{Rule: RuleFile, Reason: "there is no policy to decide by"}
	case p.err != nil:
		return Decision{Rule: RuleFile, Reason: fmt.Sprintf("everything is denied until the policy is put right: %v", p.err)}
	case p.absent:
		return Decision{Allowed: true, Reason: "there is no policy: everything is allowed"}
	case p.doc == nil:
		return Decision{Rule: RuleFile, Reason: "there is no policy to decide by"}
	}
	denied := func(format string, args ...any) Decision {
		return Decision{Rule: RuleOrders, Reason: fmt.Sprintf(format, args...)}
	}
	o := &p.doc.Orders
	switch {
	case o.Signed == required && r.Signer == "" && r.Job:
		return denied("orders must be signed by one of %q, and nobody signs each run of a Job; \"tccloud run --sign-key\" runs the App by hand, Jobs need \"signed: optional\" and rules for what they may run", []string(o.Signers))
	case o.Signed == required && r.Signer == "" && r.Runtime == runtimeService:
		return denied("orders must be signed by one of %q, and nobody signs each start of a service; services need \"signed: optional\" and rules for what they may run", []string(o.Signers))
	case o.Signed == required && r.Signer == "":
		return denied("orders must be signed by one of %q, and this one is not", []string(o.Signers))
	case o.Signed == required && !slices.Contains(o.Signers, r.Signer):
		return denied("orders must be signed by one of %q, not by %.80q", []string(o.Signers), r.Signer)
	case o.SealedParameters == required && !r.Sealed:
		return denied("encrypted parameters must be sealed by the submitter of the order, and one came in clear")
	case p.orderMax != 0 && r.Timeout > p.orderMax:
		return denied("the order asks for %v, orders may run for at most %v", r.Timeout, p.orderMax)
	}
	return Decision{Allowed: true, Rule: RuleOrders, Reason: "the order is as orders must be", MaxTimeout: p.orderMax}
}

// NeedsPublisher reports whether the publisher of the package can change the decision: if not, its
// signature need not be verified.
func (p *Policy) NeedsPublisher(r Request) bool {
	if p == nil {
		return false
	}
	for i := range p.rules {
		rule := p.rules[i]
		asks := len(rule.doc.Publishers) > 0
		rule.doc.Publishers = nil
		if rule.miss(r) == "" {
			return asks // if not, it decides the same for every publisher
		}
	}
	return false
}

// A Step is what one rule says of a request.
type Step struct {
	Rule string `json:"rule"`
	Miss string `json:"miss,omitempty"` // why it does not match; "" = it decides
}

// Explain returns the rules up to the one that decides, for "policy test".
func (p *Policy) Explain(r Request) []Step {
	var steps []Step
	if p == nil {
		return nil
	}
	for i := range p.rules {
		miss := p.rules[i].miss(r)
		steps = append(steps, Step{p.rules[i].name, miss})
		if miss == "" {
			break
		}
	}
	return steps
}

// miss says why the rule does not match, or "".
func (r *rule) miss(q Request) string {
	d := &r.doc
	switch {
	case len(d.Apps) > 0 && !slices.ContainsFunc(d.Apps, func(p string) bool { return glob(p, q.App) }):
		return fmt.Sprintf("its apps %q do not include %.128q", []string(d.Apps), q.App)
	case len(d.Versions) > 0 && !slices.ContainsFunc(r.versions, func(v versions) bool { return v.match(q.Version, r.deny) }):
		return fmt.Sprintf("its versions %q do not include %.80q", []string(d.Versions), q.Version)
	case len(d.SHA256) > 0 && !slices.Contains(d.SHA256, strings.ToLower(q.SHA256)):
		return fmt.Sprintf("its sha256 is not %.80q", q.SHA256)
	case len(d.Publishers) > 0 && q.Publisher == "":
		return fmt.Sprintf("its publishers %q did not sign the package", []string(d.Publishers))
	case len(d.Publishers) > 0 && !slices.Contains(d.Publishers, q.Publisher):
		return fmt.Sprintf("its publishers %q do not include %.80q", []string(d.Publishers), q.Publisher)
	case len(d.Runtimes) > 0 && !slices.Contains(d.Runtimes, q.Runtime):
		return fmt.Sprintf("its runtimes %q do not include %.80q", []string(d.Runtimes), q.Runtime)
	}
	return ""
}

// String returns the request in one line. What the cloud sent is quoted.
func (r Request) String() string {
	by := "signed by no known publisher"
	if r.Publisher != "" {
		by = fmt.Sprintf("signed by %.80q", r.Publisher)
	}
	return fmt.Sprintf("App %.128q %.80q (%s, %.80q)", r.App, r.Version, by, r.Runtime)
}
