package state

import (
	"fmt"
	"slices"
	"time"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
)

const (
	maxTries    = 3  // starts of a candidate that may end in a crash
	maxReturned = 7  // starts that may end for other reasons: so the probation of a program that always "stops cleanly" ends too
	maxBad      = 32 // marks that are kept
)

// Package notes which program the baseline is, and what follows when the package manager has
// changed it since the last start: a downgrade is what the administrator wants, an upgrade ends a
// hold. No scriptlet of the package has to tell.
func (s *State) Package(now Seen, at time.Time) {
	seen := s.BaselineSeen
	if seen != nil && *seen == now {
		return
	}
	s.BaselineSeen = &now
	if seen == nil {
		return
	}
	switch c := release.Compare(now.Version, seen.Version); {
	case c < 0: // the administrator wants the older version
		s.useBaseline()
		s.Candidate = nil
		s.Hold = fmt.Sprintf("the package was downgraded to %s", now.Version)
		s.note(handover.PackageChanged, now.Version, "downgraded", s.Hold, at)
	case c > 0:
		s.Hold = ""
		if s.Active != nil && release.Compare(now.Version, s.Active.Version) >= 0 {
			s.useBaseline()
		}
		if s.Candidate != nil && release.Compare(now.Version, s.Candidate.Version) >= 0 {
			s.Candidate = nil
		}
		s.note(handover.PackageChanged, now.Version, "upgraded", "", at)
	}
}

func (s *State) useBaseline() {
	if s.Active != nil {
		s.Previous, s.Active = s.Active, nil
	}
}

// Try counts a start of the candidate. The state must be saved before the start. It returns false
// where there is no candidate, or no candidate any more.
func (s *State) Try(now Boot, at time.Time) bool {
	c := s.Candidate
	if c == nil {
		return false
	}
	if l := s.Launch; s.OnProbation() && !l.Ended && l.Boot.ID != "" && l.Boot.ID != now.ID {
		s.giveBack() // the host went down while it ran
	}
	if c.Tries >= maxTries {
		s.Fail(handover.Crash, fmt.Sprintf("it did not prove itself in %d starts", c.Tries+c.Returned), at)
		return false
	}
	c.Tries++
	return true
}

func (s *State) giveBack() {
	if c := s.Candidate; c.Tries > 0 && c.Returned < maxReturned {
		c.Tries, c.Returned = c.Tries-1, c.Returned+1
	}
}

// Started notes the program that is started.
func (s *State) Started(i handover.Image, now Boot) { s.Launch = &Launch{Image: i, Boot: now} }

// End counts the end of the program that was started last.
func (s *State) End(class handover.Class, reason string, at time.Time) {
	if s.Launch == nil || s.Launch.Ended {
		return
	}
	probation := s.OnProbation()
	s.Launch.Ended = true
	switch {
	case !probation:
		// A good release stays good after a crash. But where the host does not let it run any more,
		// another program must run.
		if class == handover.Policy && s.Launch.Slot != handover.Baseline {
			s.mark(s.Launch.Image, class, reason, at)
			s.note(handover.Blocked, s.Launch.Version, string(class), reason, at)
		}
	case class == handover.Clean || class == handover.Environment:
		s.Candidate.Class = class
		s.giveBack()
	case class == handover.Crash && s.Candidate.Tries < maxTries:
		s.Candidate.Class = class
	default:
		s.Fail(class, reason, at)
	}
}

// Fail ends the candidate's probation badly: what was active stays active.
func (s *State) Fail(class handover.Class, reason string, at time.Time) {
	c := s.Candidate
	s.Candidate = nil
	s.mark(c.Image, class, reason, at)
	phase := handover.RolledBack
	if class == handover.Policy {
		phase = handover.Blocked
	}
	s.note(phase, c.Version, string(class), reason, at)
}

// Drop forgets a candidate whose program is damaged. The release itself is not marked as bad.
func (s *State) Drop(reason string, at time.Time) {
	version := s.Candidate.Version
	s.Candidate = nil
	s.note(handover.Lost, version, "damaged", reason, at)
}

// Bless ends the candidate's probation well: it becomes the active release.
func (s *State) Bless(at time.Time) {
	c := s.Candidate
	s.Candidate, s.Previous, s.Active = nil, s.Active, &c.Image
	s.note(handover.Good, c.Version, "", "", at)
}

// Vacate forgets the program of a slot before the slot is written.
func (s *State) Vacate(slot handover.Slot) {
	if s.Active != nil && s.Active.Slot == slot {
		s.Active = nil
		if s.Previous != nil && s.Previous.Slot != slot {
			s.Active = s.Previous
		}
		s.Previous = nil
	}
	if s.Previous != nil && s.Previous.Slot == slot {
		s.Previous = nil
	}
	if s.Candidate != nil && s.Candidate.Slot == slot {
		s.Candidate = nil
	}
}

// Stage makes the program of a slot the candidate.
func (s *State) Stage(i handover.Image, at time.Time) {
	s.Candidate = &handover.Candidate{Image: i}
	s.note(handover.Applied, i.Version, "", "", at)
}

// Undo goes back one step, as the administrator wants: from the candidate to the active release, or
// from that to the previous one. It returns false where the package's program is active, which has
// nothing before it.
func (s *State) Undo(reason string, at time.Time) bool {
	switch {
	case s.Candidate != nil:
		s.Fail(handover.Undone, reason, at)
	case s.Active != nil:
		gone := *s.Active
		s.Active, s.Previous = s.Previous, nil
		s.mark(gone, handover.Undone, reason, at)
		s.note(handover.RolledBack, gone.Version, string(handover.Undone), reason, at)
	default:
		return false
	}
	return true
}

// Revoke marks those programs on this host that their publisher revoked: they are not started any
// more.
func (s *State) Revoke(sums []string, at time.Time) {
	const reason = "its publisher revoked it"
	if s.Candidate != nil && slices.Contains(sums, string(s.Candidate.SHA256)) {
		s.Fail(handover.Revoked, reason, at)
	}
	for _, i := range []*handover.Image{s.Active, s.Previous} {
		if i != nil && slices.Contains(sums, string(i.SHA256)) && s.Marked(i.SHA256) == nil {
			s.mark(*i, handover.Revoked, reason, at)
		}
	}
}

// Resume ends a hold and allows again what failed on this host, but not what was revoked.
func (s *State) Resume(at time.Time) {
	s.Hold = ""
	s.unmark(func(m handover.Mark) bool { return m.Class != handover.Revoked })
	s.Decided("resumed", "", at)
}

// Retry allows a version again that failed on this host, and reports whether there was one.
func (s *State) Retry(version string) bool {
	return s.unmark(func(m handover.Mark) bool {
		return release.Compare(m.Version, version) == 0 && m.Class != handover.Revoked
	})
}

func (s *State) unmark(which func(handover.Mark) bool) bool {
	var kept []handover.Mark
	for _, m := range s.Bad {
		if !which(m) {
			kept = append(kept, m)
		}
	}
	some := len(kept) < len(s.Bad)
	s.Bad = kept
	return some
}

func (s *State) mark(i handover.Image, class handover.Class, reason string, at time.Time) {
	s.unmark(func(m handover.Mark) bool { return m.SHA256 == i.SHA256 })
	s.Bad = append(s.Bad, handover.Mark{Version: i.Version, SHA256: i.SHA256, Class: class, Reason: Text(reason), At: at.UTC()})
	if extra := len(s.Bad) - maxBad; extra > 0 {
		s.Bad = s.Bad[extra:]
	}
}

// Refuse notes that a release was not installed, and why.
func (s *State) Refuse(version, code, reason string, at time.Time) {
	s.note(handover.Refused, version, code, reason, at)
}

// Reset notes that the state before was lost.
func (s *State) Reset(reason string, at time.Time) { s.note(handover.Lost, "", "state", reason, at) }

// Decided notes what the administrator decided.
func (s *State) Decided(what, reason string, at time.Time) {
	s.note(handover.Idle, "", what, reason, at)
}

func (s *State) note(phase handover.Phase, version, code, reason string, at time.Time) {
	s.Last = &handover.Event{Phase: phase, Version: version, Code: code, Reason: Text(reason), At: at.UTC()}
}
