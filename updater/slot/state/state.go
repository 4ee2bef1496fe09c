package state

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"tcenvsvr/updater/handover"
)

// Seen is the package's program at the last start.
type Seen struct {
	Version string       `json:"version"`
	SHA256  handover.Sum `json:"sha256"`
}

// Boot is a moment by a clock that nobody can set: a boot of the host, and the time since then. ID
// is empty on a system that does not name its boots.
type Boot struct {
	ID string        `json:"id"`
	Up time.Duration `json:"up"`
}

// Launch is the program that was started last.
type Launch struct {
	handover.Image
	Boot  Boot `json:"boot"`
	Ended bool `json:"ended"` // it ended, and its end was counted
}

// State is the content of state.json.
type State struct {
	Format       int                 `json:"format"`
	Active       *handover.Image     `json:"active,omitempty"` // nil: the baseline
	Candidate    *handover.Candidate `json:"candidate,omitempty"`
	Previous     *handover.Image     `json:"previous,omitempty"`
	BaselineSeen *Seen               `json:"baseline_seen,omitempty"`
	Bad          []handover.Mark     `json:"bad,omitempty"`
	Hold         string              `json:"hold,omitempty"` // why no update is installed
	Pin          string              `json:"pin,omitempty"`  // the only version that is installed
	Launch       *Launch             `json:"launch,omitempty"`
	Last         *handover.Event     `json:"last,omitempty"`
}

// New returns the state of a host that never updated itself.
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
func (s State) Marked(sum handover.Sum) *handover.Mark {
	if i := slices.IndexFunc(s.Bad, func(m handover.Mark) bool { return m.SHA256 == sum }); i >= 0 {
		return &s.Bad[i]
	}
	return nil
}

// OnProbation reports whether the candidate is what was started last.
func (s State) OnProbation() bool {
	return s.Candidate != nil && s.Launch != nil && s.Candidate.Tries+s.Candidate.Returned > 0 && s.Launch.Image == s.Candidate.Image
}

// IsVersion reports whether v is a semantic version, with or without a leading v.
func IsVersion(v string) bool { return len(v) <= maxVersion && semver.IsValid(canonical(v)) }

func canonical(v string) string { return "v" + strings.TrimPrefix(v, "v") }
