package slot

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/updater/slot/state"
)

// ErrBusy says that another process changes the state.
var ErrBusy = errors.New("another update is at work")

// lock keeps other processes from changing the state, until the function
// that it returns is called.
func (s *Slots) lock() (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Wait)
	defer cancel()
	unlock, err = filelock.Wait(ctx, filepath.Join(s.cfg.State, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return unlock, err
}

// change lets f change the state and saves it, all under the lock.
func (s *Slots) change(act string, f func(*state.State) error) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := atomicfile.Sweep(s.cfg.State); err != nil {
		return err
	}
	st, err := s.load()
	if err != nil {
		return err // select starts the baseline and begins anew; nothing else may guess
	}
	before := st.Clone()
	if err := f(&st); err != nil {
		return err
	}
	return s.save(act, before, st)
}

// save makes a changed state durable, and then known.
func (s *Slots) save(act string, before, now state.State) error {
	if !same(before, now) {
		if err := state.Save(s.stateFile(), now); err != nil {
			return fmt.Errorf("self-update: %w", err)
		}
	}
	if last := now.Last; last != nil && (before.Last == nil || *before.Last != *last) {
		s.audit(act, last)
	}
	s.publish(now)
	return nil
}

// same compares what would be written.
func same(a, b state.State) bool {
	x, errX := state.Encode(a)
	y, errY := state.Encode(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
