package policy

import (
	"fmt"
	"slices"
	"time"

	"tcenvsvr/agent/app/signature"
)

// PublisherKeys returns the keys whose signatures over packages count at that time, for [signature.Signature.Verify].
func (p *Policy) PublisherKeys(now time.Time) []signature.PublicKey { return p.keysAt(now, false) }

// SignerKeys returns the keys whose signatures over orders count at that time.
func (p *Policy) SignerKeys(now time.Time) []signature.PublicKey { return p.keysAt(now, true) }

// A Signer is one key whose signatures over orders count, with the times between which they do; zero is no
// bound.
type Signer struct {
	Name                string
	Key                 signature.PublicKey
	NotBefore, NotAfter time.Time
}

// Signers returns all keys of signers, also those whose time is over or still to come.
func (p *Policy) Signers() []Signer {
	if p == nil {
		return nil
	}
	var all []Signer
	for k, s := range p.keys {
		if !s.signer {
			continue
		}
		last := s.after
		if !last.IsZero() {
			last = last.Add(-1) // the last moment at which it counts
		}
		all = append(all, Signer{s.owner, k, s.before, last})
	}
	return all
}

// Publisher returns whose key it is, if its signatures over packages count at that
// time. The time is that of the decision: when something was signed only the signer knows.
func (p *Policy) Publisher(k signature.PublicKey, now time.Time) (name string, ok bool) {
	return p.owner(k, now, false)
}

// Signer returns whose key it is, if its signatures over orders count at that time.
func (p *Policy) Signer(k signature.PublicKey, now time.Time) (name string, ok bool) {
	return p.owner(k, now, true)
}

func (p *Policy) owner(k signature.PublicKey, now time.Time, signer bool) (string, bool) {
	s, ok := p.keys[k]
	if !ok || s.signer != signer || !s.covers(now) {
		return "", false
	}
	return s.owner, true
}

// keysAt returns the keys in one order, so that errors and traces are the same each time.
func (p *Policy) keysAt(now time.Time, signer bool) []signature.PublicKey {
	var all []signature.PublicKey
	for k, s := range p.keys {
		if s.signer == signer && s.covers(now) {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b signature.PublicKey) int {
		return slices.Compare(append(a.ID[:], a.Key[:]...), append(b.ID[:], b.Key[:]...))
	})
	return all
}

func (s span) covers(now time.Time) bool {
	return (s.before.IsZero() || !now.Before(s.before)) && (s.after.IsZero() || now.Before(s.after))
}

// read returns the key and when it counts.
func (k *Key) read() (signature.PublicKey, span, error) {
	var s span
	public, err := signature.ParsePublicKey(k.Key)
	if err != nil {
		return public, s, err
	}
	if k.Key != public.String() {
		return public, s, fmt.Errorf("the key is the one word that begins with RW: %s", public)
	}
	if s.before, err = moment(k.NotBefore, 0); err != nil {
		return public, s, fmt.Errorf("not-before %w", err)
	}
	if s.after, err = moment(k.NotAfter, 24*time.Hour); err != nil {
		return public, s, fmt.Errorf("not-after %w", err)
	}
	if !s.before.IsZero() && !s.after.IsZero() && !s.before.Before(s.after) {
		return public, s, fmt.Errorf("not-after %q is not behind not-before %q", k.NotAfter, k.NotBefore)
	}
	return public, s, nil
}

// moment reads a day, to which it adds, or a time of day with its zone.
func moment(text string, add time.Duration) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err == nil {
		t = t.Add(add)
	} else if t, err = time.Parse(time.RFC3339, text); err != nil {
		return t, fmt.Errorf("%.80q is no day such as 2027-01-31, and no time such as 2027-01-31T18:00:00Z", text)
	}
	if t.Year() < 2000 {
		return t, fmt.Errorf("%.80q is before the year 2000", text)
	}
	return t, nil
}
