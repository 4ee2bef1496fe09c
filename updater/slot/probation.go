package slot

import (
	"fmt"
	"os"
	"time"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot/state"
)

// Verdict is the result of [Slots.Bless].
type Verdict string

// The verdicts.
const (
	NoTrial Verdict = "no_trial" // no candidate runs
	Pending Verdict = "pending"  // the candidate runs and has not said that it is healthy
	Blessed Verdict = "blessed"  // the candidate is the active release from now on
	Overdue Verdict = "overdue"  // the probation is over: restart the service to go back
)

// Bless ends a probation. The candidate becomes the active release where the agent has said that it
// is healthy, and is rolled back where it has run for longer than the probation without that.
func (s *Slots) Bless() (Verdict, error) {
	v := NoTrial
	err := s.change("bless", func(st *state.State) error {
		box, err := s.inbox()
		if err != nil {
			return err
		}
		defer box.Close()
		healthy, err := box.Consume(handover.RequestHealthy)
		if err != nil {
			return err
		}
		now := bootNow()
		switch {
		case !st.OnProbation() || st.Launch.Ended || !s.pointsAt(st.Launch.Slot):
		case healthy:
			v = Blessed
			st.Bless(time.Now())
		// The start was in this boot, because the link does not outlive a boot. Its id is not
		// compared: a unit with a /proc of its own does not see it.
		case now.Up-st.Launch.Boot.Up > s.cfg.Probation:
			v = Overdue
			st.Fail(handover.Hang, fmt.Sprintf("it was not healthy within %s", s.cfg.Probation), time.Now())
		default:
			v = Pending
		}
		return nil
	})
	return v, err
}

// Ended counts the end of the program and returns its class. It is called after every end.
func (s *Slots) Ended(e state.Exit) (handover.Class, error) {
	class := e.Class()
	return class, s.change("ended", func(st *state.State) error {
		if st.Launch != nil && s.pointsAt(st.Launch.Slot) {
			st.End(class, "it ended: "+e.String(), time.Now())
		}
		return nil
	})
}

// pointsAt reports whether the link points at the program of that slot. Where a Select could not
// write state.json it has still changed the link, and then the state does not say what runs.
func (s *Slots) pointsAt(slot handover.Slot) bool {
	if s.cfg.Link == "" {
		return true
	}
	path, err := os.Readlink(s.cfg.Link)
	return err == nil && path == s.cfg.Program(slot)
}
