package slot

import (
	"errors"
	"fmt"
	"time"

	"tcenvsvr/updater/slot/state"
)

// ErrNothing means that there is no release to roll back from.
var ErrNothing = errors.New("the package's own program is active, there is nothing to go back to; install an older package instead")

// Rollback goes back one step from the next start on: from the candidate to the active release, or
// from that to the previous one. The release that is left is not installed again until
// [Slots.Retry] or [Slots.Resume].
func (s *Slots) Rollback(reason string) error {
	return s.change("rollback", func(st *state.State) error {
		if !st.Undo(reason, time.Now()) {
			return fmt.Errorf("rolling back: %w", ErrNothing)
		}
		return nil
	})
}

// Hold stops updates until [Slots.Resume].
func (s *Slots) Hold(reason string) error {
	return s.change("hold", func(st *state.State) error {
		if st.Hold = state.Text(reason); st.Hold == "" {
			st.Hold = "held by the administrator"
		}
		st.Decided("held", st.Hold, time.Now())
		return nil
	})
}

// Resume ends a hold, and allows again what failed on this host.
func (s *Slots) Resume() error {
	return s.change("resume", func(st *state.State) error {
		st.Resume(time.Now())
		return nil
	})
}

// Retry allows a version again that failed on this host.
func (s *Slots) Retry(version string) error {
	return s.change("retry", func(st *state.State) error {
		if !st.Retry(version) {
			return fmt.Errorf("retrying %q: no release of that version failed here", state.Text(version))
		}
		st.Decided("retry", version, time.Now())
		return nil
	})
}

// Pin allows only this version from now on, which may be an older one; "" allows all.
func (s *Slots) Pin(version string) error {
	if version != "" && !state.IsVersion(version) {
		return fmt.Errorf("pinning %q: it is not a version; one is 1.4.2", state.Text(version))
	}
	return s.change("pin", func(st *state.State) error {
		st.Pin = version
		st.Decided("pinned", version, time.Now())
		return nil
	})
}
