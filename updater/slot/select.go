package slot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/slot/inbox"
	"tcenvsvr/updater/slot/install"
	"tcenvsvr/updater/slot/state"
)

// Choice is the program to start.
type Choice struct {
	Path    string     `json:"path"`
	Slot    state.Slot `json:"slot"`
	Version string     `json:"version"`
	Trial   bool       `json:"trial"` // a candidate that must prove itself
}

// Select chooses the program to start and points the links at it and at its shim.
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

	chosen, trial := s.choose(&st, base, busy == nil, now)
	if busy == nil {
		err := s.save("select", s.onDisk(found, torn), st)
		if err != nil {
			s.log.Warn("self-update state not written", "err", err)
		}
		if err != nil && trial {
			// A start that is not counted is none for a candidate.
			chosen, trial = s.choose(&found, base, false, now)
		}
	}
	c := Choice{s.path(chosen.Slot), chosen.Slot, chosen.Version, trial}
	if err := s.point(c.Path); err != nil {
		return c, fmt.Errorf("selecting %q: %w", c.Path, err)
	}
	s.log.Info("program selected", "slot", c.Slot, "version", c.Version, "trial", c.Trial)
	return c, nil
}

// onDisk is what a save must differ from to be needed: a torn file always is replaced.
func (s *Slots) onDisk(found state.State, torn error) state.State {
	if torn != nil {
		return state.State{}
	}
	return found
}

// baseline looks at the package's program and applies the package manager's
// rules. A baseline that cannot be read is started if nothing else can be.
func (s *Slots) baseline(st *state.State, now time.Time) state.Image {
	i := state.Image{Slot: state.Baseline, Version: s.cfg.Version}
	f, err := os.Open(s.cfg.Baseline)
	if err == nil {
		defer f.Close()
		var sum string
		if sum, err = install.Sum(f); err == nil {
			i.SHA256 = state.Sum(sum)
			st.Package(state.Seen{Version: i.Version, SHA256: i.SHA256}, now)
		}
	}
	if err != nil {
		s.log.Error("package's program not readable", "err", err)
	}
	return i
}

// choose returns what is to be started. Without count no candidate is.
func (s *Slots) choose(st *state.State, base state.Image, count bool, now time.Time) (i state.Image, trial bool) {
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
	for _, p := range []*state.Image{st.Active, st.Previous} {
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

// check reports why the program of a slot must not be started.
func (s *Slots) check(i state.Image) error {
	path := s.path(i.Slot)
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

// forgetHealth removes what an earlier program said of itself.
func (s *Slots) forgetHealth() {
	box, err := s.inbox()
	if err == nil {
		_, err = box.Take(inbox.Healthy)
		box.Close()
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("inbox not usable", "err", err)
	}
}

func (s *Slots) inbox() (*inbox.Inbox, error) {
	return inbox.Open(s.cfg.Home, s.cfg.Inbox, s.cfg.Agent)
}

// point has the links lead to a program and to the shim of its jobs. The shim's is first:
// whatever ends this in between, no program is started before its shim is.
func (s *Slots) point(path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if err := s.link(s.cfg.Shim, shimOf(path)); err != nil {
		return err
	}
	return s.link(s.cfg.Link, path)
}

// shimOf is the small program beside another. A release is one file and its own shim.
func shimOf(path string) string {
	beside := filepath.Join(filepath.Dir(path), shim)
	if info, err := os.Lstat(beside); err == nil && info.Mode().IsRegular() {
		return beside
	}
	return path
}

// link replaces a link in one step.
func (s *Slots) link(link, path string) error {
	if link == "" {
		return nil
	}
	if err := s.runFolder(filepath.Dir(link)); err != nil {
		return err
	}
	if old, err := os.Readlink(link); err == nil && old == path {
		return nil
	}
	temp := link + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(path, temp); err != nil {
		return err
	}
	return os.Rename(temp, link)
}

// runFolder makes the folder of the links and checks that nobody else could
// exchange a link in it.
func (s *Slots) runFolder(dir string) error {
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		return os.Chmod(dir, 0o755) // whatever the umask
	case !errors.Is(err, os.ErrExist):
		return err
	}
	return trusted(dir, s.cfg.Owner, true)
}
