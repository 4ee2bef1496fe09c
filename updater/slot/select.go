package slot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot/install"
	"tcenvsvr/updater/slot/state"
)

// Choice is the program to start.
type Choice struct {
	Path    string        `json:"path"`
	Slot    handover.Slot `json:"slot"`
	Version string        `json:"version"`
	Trial   bool          `json:"trial"` // a candidate on probation
}

// Select chooses the program to start and activates it. It is called before every start. It does
// not fail because of anything that an update did, or because the disk does not let it write: then
// it chooses what was active. An error means that no program could be activated.
func (s *Slots) Select() (Choice, error) {
	unlock, busy := s.lock()
	if busy == nil {
		defer unlock()
		_ = atomicfile.Sweep(s.cfg.State)
	} else {
		s.log.Warn("selected without writing", "err", busy)
	}
	now := time.Now()
	found, torn := s.load()
	st := found.Clone()
	if torn != nil {
		s.log.Error("self-update state lost, the package's program is used", "err", torn)
		st.Reset(torn.Error(), now)
	}
	base := s.baseline(&st, now)
	s.forgetHealth()

	chosen, probation := s.choose(&st, base, busy == nil, now)
	if busy == nil {
		err := s.save("select", s.onDisk(found, torn), st)
		if err != nil {
			s.log.Warn("self-update state not written", "err", err)
		}
		if err != nil && probation {
			// A candidate is not started when its start cannot be counted.
			chosen, probation = s.choose(&found, base, false, now)
		}
	}
	c := Choice{s.cfg.Program(chosen.Slot), chosen.Slot, chosen.Version, probation}
	if err := s.activate(c.Path); err != nil {
		return c, fmt.Errorf("selecting %q: %w", c.Path, err)
	}
	s.log.Info("program selected", "slot", c.Slot, "version", c.Version, "trial", c.Trial)
	return c, nil
}

// onDisk is the state that a save compares with. A torn file is always replaced.
func (s *Slots) onDisk(found state.State, torn error) state.State {
	if torn != nil {
		return state.State{}
	}
	return found
}

// baseline reads the package's program, and notes when the package manager has changed it. A
// baseline that cannot be read is still started where nothing else can be.
func (s *Slots) baseline(st *state.State, now time.Time) handover.Image {
	i := handover.Image{Slot: handover.Baseline, Version: s.cfg.Version}
	f, err := os.Open(s.cfg.Baseline)
	if err == nil {
		defer f.Close()
		var sum string
		if sum, err = install.Sum(f); err == nil {
			i.SHA256 = handover.Sum(sum)
			st.Package(state.Seen{Version: i.Version, SHA256: i.SHA256}, now)
		}
	}
	if err != nil {
		s.log.Error("package's program not readable", "err", err)
	}
	return i
}

// choose returns the program to start: candidate, active, previous, baseline. Without count no
// candidate is chosen.
func (s *Slots) choose(st *state.State, base handover.Image, count bool, now time.Time) (i handover.Image, probation bool) {
	boot := bootNow()
	for count && st.Candidate != nil && st.Try(boot, now) {
		if err := s.check(st.Candidate.Image); err != nil {
			s.log.Warn("candidate damaged", "err", err)
			st.Drop(err.Error(), now)
			continue
		}
		st.Started(st.Candidate.Image, boot)
		return st.Candidate.Image, true
	}
	i = base
	for _, p := range []*handover.Image{st.Active, st.Previous} {
		if p == nil {
			if st.Active == nil {
				break // the baseline is what is active
			}
			continue
		}
		if m := st.Marked(p.SHA256); m != nil {
			s.log.Warn("program passed over", "slot", p.Slot, "version", p.Version, "reason", m.Reason)
			continue
		}
		if err := s.check(*p); err != nil {
			s.log.Error("program damaged", "slot", p.Slot, "version", p.Version, "err", err)
			continue
		}
		i = *p
		break
	}
	if l := st.Launch; l == nil || l.Image != i || l.Ended || l.Boot.ID != boot.ID {
		st.Started(i, boot)
	}
	return i, false
}

// check reports why the program of a slot must not be started: its content or a folder above it is
// not what it was when root wrote it.
func (s *Slots) check(i handover.Image) error {
	path := s.cfg.Program(i.Slot)
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if err := trusted(dir, s.cfg.Owner, true); err != nil {
			return err
		}
		if dir == s.cfg.Slots || len(dir) <= len(s.cfg.Slots) {
			break
		}
	}
	if err := trusted(path, s.cfg.Owner, false); err != nil {
		return err
	}
	return install.Verify(path, i.Size, string(i.SHA256))
}

// forgetHealth removes what an earlier program requested for itself.
func (s *Slots) forgetHealth() {
	box, err := s.inbox()
	if err == nil {
		_, err = box.Consume(handover.RequestHealthy)
		box.Close()
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("inbox not usable", "err", err)
	}
}

func (s *Slots) inbox() (*handover.Inbox, error) {
	return handover.OpenInbox(s.cfg.Home, s.cfg.Inbox, s.cfg.Agent)
}
