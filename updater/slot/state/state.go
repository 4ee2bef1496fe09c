package state

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// A Slot is a place that a program can be in.
type Slot string

// The two slots, and the package's program, which is never written.
const (
	A        Slot = "a"
	B        Slot = "b"
	Baseline Slot = "baseline"
)

// Other returns the slot that is not s.
func (s Slot) Other() Slot {
	if s == A {
		return B
	}
	return A
}

// Sum is a SHA-256 in 64 lower-case hexadecimal digits.
type Sum string

// Image is a program: where it lies and what it must be.
type Image struct {
	Slot    Slot   `json:"slot"`
	Version string `json:"version"`
	SHA256  Sum    `json:"sha256"`
	Size    int64  `json:"size"`
}

// Candidate is a new release on trial.
type Candidate struct {
	Image
	Tries    int   `json:"tries"`           // starts that count against it
	Returned int   `json:"returned"`        // starts given back: they ended for other reasons
	Class    Class `json:"class,omitempty"` // how its last start failed
}

// Mark says that a release failed on this host, and how.
type Mark struct {
	Version string    `json:"version"`
	SHA256  Sum       `json:"sha256"`
	Class   Class     `json:"class"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// Seen is the package's program at the last start.
type Seen struct {
	Version string `json:"version"`
	SHA256  Sum    `json:"sha256"`
}

// Boot is a moment by a clock that nobody can set: which boot of the host,
// and how long after it. An empty ID is a system that does not tell.
type Boot struct {
	ID string        `json:"id"`
	Up time.Duration `json:"up"`
}

// Launch is what select chose last.
type Launch struct {
	Image
	Boot  Boot `json:"boot"`
	Ended bool `json:"ended"` // and how it ended was taken into account
}

// A Phase names what happened last.
type Phase string

// The phases that the root side knows; what comes before is the agent's.
const (
	Idle       Phase = "idle"
	Applied    Phase = "applied"     // in its slot, not started yet
	Trying     Phase = "trying"      // started, not known to be healthy
	Good       Phase = "good"        // proved itself
	RolledBack Phase = "rolled_back" // failed here
	Blocked    Phase = "blocked"     // this host's policy does not let it run
	Refused    Phase = "refused"     // not taken from the inbox
	Packaged   Phase = "packaged"    // the package manager changed the baseline
	Lost       Phase = "lost"        // state or a slot's program was damaged
)

// Event is what happened last, for people and for the cloud.
type Event struct {
	Phase   Phase     `json:"phase"`
	Version string    `json:"version,omitempty"`
	Code    string    `json:"code,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// State is the content of state.json.
type State struct {
	Format       int        `json:"format"`
	Active       *Image     `json:"active,omitempty"` // nil: the baseline
	Candidate    *Candidate `json:"candidate,omitempty"`
	Previous     *Image     `json:"previous,omitempty"`
	BaselineSeen *Seen      `json:"baseline_seen,omitempty"`
	Bad          []Mark     `json:"bad,omitempty"`
	Hold         string     `json:"hold,omitempty"` // why no update is taken
	Pin          string     `json:"pin,omitempty"`  // the only version that is taken
	Launch       *Launch    `json:"launch,omitempty"`
	Last         *Event     `json:"last,omitempty"`
}

// New is the state of a host that never updated itself.
func New() State { return State{Format: format} }

// Clone returns a copy that shares nothing with s.
func (s State) Clone() State {
	s.Active, s.Previous = clone(s.Active), clone(s.Previous)
	s.Candidate, s.BaselineSeen = clone(s.Candidate), clone(s.BaselineSeen)
	s.Launch, s.Last = clone(s.Launch), clone(s.Last)
	s.Bad = slices.Clone(s.Bad)
	return s
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// Marked returns the mark of a release that failed here, or nil.
func (s State) Marked(sum Sum) *Mark {
	if i := slices.IndexFunc(s.Bad, func(m Mark) bool { return m.SHA256 == sum }); i >= 0 {
		return &s.Bad[i]
	}
	return nil
}

// OnTrial reports whether what was started last is the candidate.
func (s State) OnTrial() bool {
	return s.Candidate != nil && s.Launch != nil && s.Candidate.Tries+s.Candidate.Returned > 0 && s.Launch.Image == s.Candidate.Image
}

// Compare orders versions; what is no version is older than all that are.
func Compare(a, b string) int { return semver.Compare(canonical(a), canonical(b)) }

// IsVersion reports whether v is a version as releases have them.
func IsVersion(v string) bool { return len(v) <= maxVersion && semver.IsValid(canonical(v)) }

func canonical(v string) string { return "v" + strings.TrimPrefix(v, "v") }
