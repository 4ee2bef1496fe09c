package slot

import (
	"fmt"
	"os"
	"time"

	"tcenvsvr/updater/slot/inbox"
	"tcenvsvr/updater/slot/state"
)

// Verdict is what Bless came to.
type Verdict string

// The verdicts.
const (
	NoTrial Verdict = "no_trial" // no candidate runs
	Pending Verdict = "pending"  // it runs and has not said it is healthy
	Blessed Verdict = "blessed"  // it is what runs from now on
	Overdue Verdict = "overdue"  // it ran too long without: restart the service to go back
)

// Bless ends a trial: well where the agent says that it is healthy, badly
// where it has run longer than the probation without saying so.
func (s *Slots) Bless() (Verdict, error) {
	v := NoTrial
	err := s.change("bless", func(st *state.State) error {
		box, err := s.inbox()
		if err != nil {
			return err
		}
		defer box.Close()
		healthy, err := box.Take(inbox.Healthy)
		if err != nil {
			return err
		}
		now := bootNow()
		switch {
		case !st.OnTrial() || st.Launch.Ended || !s.pointsAt(st.Launch.Slot):
		case healthy:
			v = Blessed
			st.Bless(time.Now())
		// Of this boot it is, because the link does not outlive one. The boot's id is not
		// asked: a unit with a /proc of its own sees none, or that of another system.
		case now.Up-st.Launch.Boot.Up > s.cfg.Probation:
			v = Overdue
			st.Fail(state.Hang, fmt.Sprintf("it was not healthy within %s", s.cfg.Probation), time.Now())
		default:
			v = Pending
		}
		return nil
	})
	return v, err
}

// Ended takes the end of the program into account and returns its class.
func (s *Slots) Ended(e state.Exit) (state.Class, error) {
	class := e.Class()
	return class, s.change("ended", func(st *state.State) error {
		if st.Launch != nil && s.pointsAt(st.Launch.Slot) {
			st.End(class, "it ended: "+e.String(), time.Now())
		}
		return nil
	})
}

// pointsAt reports whether the program of that slot is what was started. A
// select that could not write state.json has moved the link all the same.
func (s *Slots) pointsAt(slot state.Slot) bool {
	if s.cfg.Link == "" {
		return true
	}
	path, err := os.Readlink(s.cfg.Link)
	return err == nil && path == s.path(slot)
}
