package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/lease"
)

// stateOf is a Job's state with what was edited since it was stored. One that is stored may be that
// of another Job which had the name before.
func stateOf(j *Job, stored *State) *State {
	st := stored
	if st == nil || st.Job != j.ID {
		st = &State{Job: j.ID}
	}
	if j.Edit != nil && j.Edit.N > st.Edits {
		st = st.clone()
		st.take(j.Edit)
	}
	return st
}

// readJob returns a Job as it is stored, with its revision.
func (s *Jobs) readJob(ctx context.Context, name string) (*Job, uint64, error) {
	if !namePattern.MatchString(name) {
		return nil, 0, fmt.Errorf("Job %.70q: %w", name, ErrNotFound)
	}
	v, revision, err := bucket.Read[Job](ctx, s.KV, jobPrefix+name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, fmt.Errorf("Job %q: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading Job %q: %w", name, err)
	}
	return v, revision, nil
}

// read returns a Job as it is stored, and its state with its revision, nil and 0 if it has none.
func (s *Jobs) read(ctx context.Context, name string) (*Job, *State, uint64, error) {
	v, _, err := s.readJob(ctx, name)
	if err != nil {
		return nil, nil, 0, err
	}
	st, revision, err := bucket.Read[State](ctx, s.KV, statePrefix+name)
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil, 0, fmt.Errorf("reading the state of Job %q: %w", name, err)
	}
	return v, st, revision, nil
}

func (s *Jobs) putState(ctx context.Context, name string, st *State, over uint64) error {
	revision, data, err := bucket.Write(ctx, s.KV, statePrefix+name, st, over)
	if err == nil {
		s.apply(statePrefix+name, data, revision, false)
	}
	return err
}

// seen takes in what the bucket has. A value that cannot be read is left alone.
func (s *Jobs) seen(e jetstream.KeyValueEntry) {
	if e != nil {
		s.apply(e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut)
		return
	}
	select {
	case <-s.ready: // a watch that began again
	default:
		close(s.ready)
	}
}

func (s *Jobs) apply(key string, value []byte, revision uint64, removed bool) {
	if key == lease.Key {
		s.lease.Seen(value, revision, removed)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := strings.CutPrefix(key, jobPrefix); ok {
		if e := s.entry(name); revision > e.jobRev {
			e.job, e.jobRev = decode[Job](s, key, value, removed), revision
			e.forget()
		}
	} else if name, ok := strings.CutPrefix(key, statePrefix); ok {
		if e := s.entry(name); revision > e.stateRev {
			e.state, e.stateRev = decode[State](s, key, value, removed), revision
			e.untold = e.state != nil && e.state.untold()
			e.forget()
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func decode[T any](s *Jobs, key string, value []byte, removed bool) *T {
	if removed {
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(value, v); err != nil {
		s.Logger.Error("a Job's record cannot be read", "key", key, "err", err)
		return nil
	}
	return v
}

// entry returns that of a name. Jobs.mu is held.
func (s *Jobs) entry(name string) *entry {
	e := s.entries[name]
	if e == nil {
		e = new(entry)
		s.entries[name] = e
	}
	return e
}
