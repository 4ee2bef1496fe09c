package state

import (
	"fmt"
	"slices"
	"time"
)

const (
	maxTries    = 3  // starts of a candidate that may crash
	maxReturned = 7  // starts that may end for other reasons: even a program that always "stops cleanly" ends its trial
	maxBad      = 32 // marks that are remembered
)

// Package applies the rules of package managers: what it means that the
// baseline is another program than at the last start. No scriptlet says so.
func (s *State) Package(now Seen, at time.Time) {
	seen := s.BaselineSeen
	if seen != nil && *seen == now {
		return
	}
	s.BaselineSeen = &now
	if seen == nil {
		return
	}
	switch c := Compare(now.Version, seen.Version); {
	case c < 0: // the administrator means it
		s.useBaseline()
		s.Candidate = nil
		s.Hold = fmt.Sprintf("the package was downgraded to %s", now.Version)
		s.note(Packaged, now.Version, "downgraded", s.Hold, at)
	case c > 0:
		s.Hold = ""
		if s.Active != nil && Compare(now.Version, s.Active.Version) >= 0 {
			s.useBaseline()
		}
		if s.Candidate != nil && Compare(now.Version, s.Candidate.Version) >= 0 {
			s.Candidate = nil
		}
		s.note(Packaged, now.Version, "upgraded", "", at)
	}
}

func (s *State) useBaseline() {
	if s.Active != nil {
		s.Previous, s.Active = s.Active, nil
	}
}

// Try counts a start of the candidate. It must be durable before the start.
// False means that there is no candidate (any more).
func (s *State) Try(now Boot, at time.Time) bool {
	c := s.Candidate
	if c == nil {
		return false
	}
	if l := s.Launch; s.OnTrial() && !l.Ended && l.Boot.ID != "" && l.Boot.ID != now.ID {
		s.giveBack() // the host went down under it
	}
	if c.Tries >= maxTries {
		s.Fail(Crash, fmt.Sprintf("it did not prove itself in %d starts", c.Tries+c.Returned), at)
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

// Started notes what is started.
func (s *State) Started(i Image, now Boot) { s.Launch = &Launch{Image: i, Boot: now} }

// End takes the end of what was started last into account.
func (s *State) End(class Class, reason string, at time.Time) {
	if s.Launch == nil || s.Launch.Ended {
		return
	}
	trial := s.OnTrial()
	s.Launch.Ended = true
	switch {
	case !trial:
		// A release that was good does not lose that by a crash, but where
		// the host stopped to let it run, something else must.
		if class == Policy && s.Launch.Slot != Baseline {
			s.mark(s.Launch.Image, class, reason, at)
			s.note(Blocked, s.Launch.Version, string(class), reason, at)
		}
	case class == Clean || class == Environment:
		s.Candidate.Class = class
		s.giveBack()
	case class == Crash && s.Candidate.Tries < maxTries:
		s.Candidate.Class = class
	default:
		s.Fail(class, reason, at)
	}
}

// Fail ends the candidate's trial: what was active stays active.
func (s *State) Fail(class Class, reason string, at time.Time) {
	c := s.Candidate
	s.Candidate = nil
	s.mark(c.Image, class, reason, at)
	phase := RolledBack
	if class == Policy {
		phase = Blocked
	}
	s.note(phase, c.Version, string(class), reason, at)
}

// Drop forgets a candidate whose program is damaged; the release is not to blame.
func (s *State) Drop(reason string, at time.Time) {
	version := s.Candidate.Version
	s.Candidate = nil
	s.note(Lost, version, "damaged", reason, at)
}

// Bless ends the trial the other way.
func (s *State) Bless(at time.Time) {
	c := s.Candidate
	s.Candidate, s.Previous, s.Active = nil, s.Active, &c.Image
	s.note(Good, c.Version, "", "", at)
}

// Vacate forgets what is in a slot, before it is written.
func (s *State) Vacate(slot Slot) {
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

// Stage makes what is in a slot the candidate.
func (s *State) Stage(i Image, at time.Time) {
	s.Candidate = &Candidate{Image: i}
	s.note(Applied, i.Version, "", "", at)
}

// Undo goes back one step by the administrator's will: from the candidate
// to the active release, or from that to the previous one. False means that
// the package's program is active and there is nothing before it.
func (s *State) Undo(reason string, at time.Time) bool {
	switch {
	case s.Candidate != nil:
		s.Fail(Undone, reason, at)
	case s.Active != nil:
		gone := *s.Active
		s.Active, s.Previous = s.Previous, nil
		s.mark(gone, Undone, reason, at)
		s.note(RolledBack, gone.Version, string(Undone), reason, at)
	default:
		return false
	}
	return true
}

// Revoke marks those of our programs that their publisher took back: they
// are not started any more.
func (s *State) Revoke(sums []string, at time.Time) {
	const reason = "its publisher revoked it"
	if s.Candidate != nil && slices.Contains(sums, string(s.Candidate.SHA256)) {
		s.Fail(Revoked, reason, at)
	}
	for _, i := range []*Image{s.Active, s.Previous} {
		if i != nil && slices.Contains(sums, string(i.SHA256)) && s.Marked(i.SHA256) == nil {
			s.mark(*i, Revoked, reason, at)
		}
	}
}

// Resume lifts a hold, and lets the host try again what failed on it; what
// its publisher took back stays out.
func (s *State) Resume(at time.Time) {
	s.Hold = ""
	s.forgive(func(m Mark) bool { return m.Class != Revoked })
	s.Decided("resumed", "", at)
}

// Retry takes a version off the bad list and reports whether it was on it.
func (s *State) Retry(version string) bool {
	return s.forgive(func(m Mark) bool { return Compare(m.Version, version) == 0 && m.Class != Revoked })
}

func (s *State) forgive(which func(Mark) bool) bool {
	var kept []Mark
	for _, m := range s.Bad {
		if !which(m) {
			kept = append(kept, m)
		}
	}
	some := len(kept) < len(s.Bad)
	s.Bad = kept
	return some
}

func (s *State) mark(i Image, class Class, reason string, at time.Time) {
	s.forgive(func(m Mark) bool { return m.SHA256 == i.SHA256 })
	s.Bad = append(s.Bad, Mark{i.Version, i.SHA256, class, Text(reason), at.UTC()})
	if extra := len(s.Bad) - maxBad; extra > 0 {
		s.Bad = s.Bad[extra:]
	}
}

// Refuse notes that the inbox was not taken, and why.
func (s *State) Refuse(version, code, reason string, at time.Time) {
	s.note(Refused, version, code, reason, at)
}

// Reset notes that the state before was lost.
func (s *State) Reset(reason string, at time.Time) { s.note(Lost, "", "state", reason, at) }

// Decided notes what the administrator decided.
func (s *State) Decided(what, reason string, at time.Time) { s.note(Idle, "", what, reason, at) }

func (s *State) note(phase Phase, version, code, reason string, at time.Time) {
	s.Last = &Event{phase, version, code, Text(reason), at.UTC()}
}
