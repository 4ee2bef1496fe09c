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

// ErrBusy means that another process is changing the state.
var ErrBusy = errors.New("another update is at work")

// lock keeps other processes from changing the state until unlock is called.
func (s *Slots) lock() (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Wait)
	defer cancel()
	unlock, err = filelock.Wait(ctx, filepath.Join(s.cfg.State, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return unlock, err
}

// change calls f to change the state and saves the result, all under the lock.
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
		return err // only Select may begin anew: it starts the baseline then
	}
	before := st.Clone()
	if err := f(&st); err != nil {
		return err
	}
	return s.save(act, before, st)
}

// save makes a changed state durable, then records and publishes it.
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

// same reports whether both states are written the same.
func same(a, b state.State) bool {
	x, errX := state.Encode(a)
	y, errY := state.Encode(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
