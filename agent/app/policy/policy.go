package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"tcenvsvr/agent/app/signature"
)

// Denied is the code of an order that the policy denies, as agent/app/fault has those of Apps.
const Denied = "policy.denied"

// Decision.Rule of a denial that is no rule's. No rule of a policy can have these names.
const (
	RuleFile    = "file"    // the policy's file is unsafe, unreadable or wrong
	RuleOrders  = "orders"  // the order does not fulfil the section "orders"
	RuleDefault = "default" // no rule matches
)

const (
	required = "required"
	optional = "optional"
)

// runtimeService is what rules call the runtimes of services.
const runtimeService = "service"

// A Policy is what was in force at one moment. It never changes; its zero value denies everything.
type Policy struct {
	doc      *Document
	absent   bool  // there is no file: everything is allowed
	err      error // the file does not count: everything is denied
	digest   string
	rules    []rule
	orderMax time.Duration
	keys     map[signature.PublicKey]span
}

// rule is a Rule as it is applied.
type rule struct {
	name     string
	deny     bool
	doc      Rule
	versions []versions
	max      time.Duration
}

// span says whose a key is and when it counts.
type span struct {
	owner         string
	signer        bool
	before, after time.Time // zero: at any time
}

// Parse reads a policy's text.
func Parse(text []byte) (*Policy, error) {
	p, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading policy: %w", err)
	}
	return p, nil
}

func parse(text []byte) (*Policy, error) {
	doc, err := decode(text)
	if err != nil {
		return nil, err
	}
	if doc.Version != 1 {
		return nil, fmt.Errorf("its version is %d; \"version: 1\" belongs at its beginning", doc.Version)
	}
	sum := sha256.Sum256(text)
	p := &Policy{doc: doc, digest: hex.EncodeToString(sum[:]), keys: map[signature.PublicKey]span{}}
	if err := p.addKeys("publishers", doc.Publishers, false); err != nil {
		return nil, err
	}
	if err := p.addKeys("signers", doc.Signers, true); err != nil {
		return nil, err
	}
	if err := p.addOrders(&doc.Orders); err != nil {
		return nil, fmt.Errorf("in orders: %w", err)
	}
	names := map[string]bool{RuleFile: true, RuleOrders: true, RuleDefault: true}
	for i := range doc.Rules {
		r := &doc.Rules[i]
		switch {
		case (r.Allow == "") == (r.Deny == ""):
			return nil, fmt.Errorf("in rule %d: it begins with \"allow: NAME\" or with \"deny: NAME\", not with both or neither", i+1)
		case names[r.Name()]:
			return nil, fmt.Errorf("in rule %d: the name %q is taken: results tell rules apart by it", i+1, r.Name())
		}
		if err := named(r.Name()); err != nil {
			return nil, fmt.Errorf("in rule %d: %w", i+1, err)
		}
		names[r.Name()] = true
		if err := p.addRule(r); err != nil {
			return nil, fmt.Errorf("in rule %q: %w", r.Name(), err)
		}
	}
	return p, nil
}

func (p *Policy) addKeys(section string, of map[string][]Key, signer bool) error {
	for _, owner := range sorted(of) {
		if err := named(owner); err != nil {
			return fmt.Errorf("in %s: %w", section, err)
		}
		for i := range of[owner] {
			k := &of[owner][i]
			public, s, err := k.read()
			if err != nil {
				return fmt.Errorf("in %s, %q, key %d: %w", section, owner, i+1, err)
			}
			// One key, one purpose: a signature over a package is never taken for one over an
			// order.
			if other, ok := p.keys[public]; ok {
				return fmt.Errorf("in %s, %q, key %d: %q has this key too: each needs keys of its own", section, owner, i+1, other.owner)
			}
			s.owner, s.signer = owner, signer
			p.keys[public] = s
		}
	}
	return nil
}

func (p *Policy) addOrders(o *Orders) error {
	for _, c := range []struct {
		name  string
		value *string
	}{{"signed", &o.Signed}, {"sealed-parameters", &o.SealedParameters}} {
		if *c.value == "" {
			*c.value = optional
		}
		if *c.value != required && *c.value != optional {
			return fmt.Errorf("%s is %.80q; required and optional are possible", c.name, *c.value)
		}
	}
	all := sorted(p.doc.Signers)
	if err := known("signers", o.Signers, all); err != nil {
		return err
	}
	if len(o.Signers) == 0 {
		o.Signers = all
	}
	if o.Signed == required && len(o.Signers) == 0 {
		return errors.New("orders must be signed, but there are no signers: name them and their keys under \"signers\"")
	}
	var err error
	p.orderMax, err = timeout(&o.MaxTimeout)
	return err
}

func (p *Policy) addRule(r *Rule) error {
	out := rule{name: r.Name(), deny: r.Deny != ""}
	for _, l := range []struct {
		name   string
		values List
	}{{"apps", r.Apps}, {"versions", r.Versions}, {"sha256", r.SHA256}, {"publishers", r.Publishers}, {"runtimes", r.Runtimes}} {
		for i, v := range l.values {
			if l.name == "sha256" {
				v = strings.ToLower(v)
				l.values[i] = v
			}
			if slices.Contains(l.values[:i], v) {
				return fmt.Errorf("%s has %.80q twice", l.name, v)
			}
		}
	}
	for _, a := range r.Apps {
		if err := printable(a); err != nil {
			return fmt.Errorf("apps: %w", err)
		}
	}
	for _, v := range r.Versions {
		parsed, err := parseVersions(v)
		if err != nil {
			return fmt.Errorf("versions: %w", err)
		}
		out.versions = append(out.versions, parsed)
	}
	for _, s := range r.SHA256 {
		if err := checkDigest(s); err != nil {
			return err
		}
	}
	if out.deny && len(r.Publishers) > 0 {
		return errors.New("a rule that denies cannot go by publishers: who wants to get past it leaves the signature out; take the publisher's key out instead")
	}
	if err := known("publishers", r.Publishers, sorted(p.doc.Publishers)); err != nil {
		return err
	}
	if err := known("runtimes", r.Runtimes, []string{"job", "playbook", runtimeService}); err != nil {
		return err
	}
	if out.deny && r.MaxTimeout != "" {
		return errors.New("a rule that denies has no max-timeout: it limits what a rule allows")
	}
	var err error
	if out.max, err = timeout(&r.MaxTimeout); err != nil {
		return err
	}
	out.doc = *r
	p.rules = append(p.rules, out)
	return nil
}

// timeout reads a duration and puts it into its usual form; "" is 0, no limit.
func timeout(text *string) (time.Duration, error) {
	if *text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(*text)
	if err != nil || d < time.Second {
		return 0, fmt.Errorf("max-timeout %.80q is no time of a second or more, such as 90s, 30m or 4h", *text)
	}
	*text = d.String() // 4h0m0s
	if cut, ok := strings.CutSuffix(*text, "m0s"); ok {
		*text = strings.TrimSuffix(cut+"m", "h0m")
		if !strings.HasSuffix(*text, "m") {
			*text += "h"
		}
	}
	return d, nil
}

// known refuses a name that is nowhere declared: a misspelt one would silently match nothing.
func known(what string, names, declared []string) error {
	for _, n := range names {
		if len(declared) == 0 {
			return fmt.Errorf("%s names %.80q, and the policy declares none", what, n)
		}
		if !slices.Contains(declared, n) {
			return fmt.Errorf("%s names %.80q, which is not one of %q", what, n, declared)
		}
	}
	return nil
}

func checkDigest(text string) error {
	if raw, err := hex.DecodeString(text); err != nil || len(raw) != sha256.Size {
		return fmt.Errorf("sha256 %.80q is not 64 hex digits, as \"sha256sum APP.tcx\" prints them", text)
	}
	return nil
}

func named(name string) error {
	if len(name) > 80 || name != strings.TrimSpace(name) {
		return fmt.Errorf("the name %.80q is longer than 80 bytes or has a space at its end", name)
	}
	return printable(name)
}

// printable refuses texts that would look like others, or like nothing, in a log.
func printable(text string) error {
	if text == "" || len(text) > 256 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%.80q is empty, longer than 256 bytes, or has characters that cannot be seen", text)
	}
	return nil
}

func sorted(of map[string][]Key) []string { return slices.Sorted(maps.Keys(of)) }
