package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/lease"
)

// stateOf is the state of a Service that has none yet, or that of another one which had the name before.
func stateOf(v *Service, st *State) *State {
	if st == nil || st.Service != v.ID {
		return &State{Service: v.ID}
	}
	return st
}

// readService returns a service as it is stored, with its revision.
func (s *Services) readService(ctx context.Context, name string) (*Service, uint64, error) {
	if !namePattern.MatchString(name) {
		return nil, 0, fmt.Errorf("service %.70q: %w", name, ErrNotFound)
	}
	v, revision, err := bucket.Read[Service](ctx, s.KV, servicePrefix+name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, fmt.Errorf("service %q: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading service %q: %w", name, err)
	}
	return v, revision, nil
}

// read returns a service as it is stored, and its state with its revision, nil and 0 if it has none.
func (s *Services) read(ctx context.Context, name string) (*Service, *State, uint64, error) {
	v, _, err := s.readService(ctx, name)
	if err != nil {
		return nil, nil, 0, err
	}
	st, revision, err := bucket.Read[State](ctx, s.KV, statePrefix+name)
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil, 0, fmt.Errorf("reading the state of service %q: %w", name, err)
	}
	return v, st, revision, nil
}

func (s *Services) putState(ctx context.Context, name string, st *State, over uint64) error {
	revision, data, err := bucket.Write(ctx, s.KV, statePrefix+name, st, over)
	if err == nil {
		s.apply(statePrefix+name, data, revision, false)
	}
	return err
}

// seen takes in what the bucket has. A value that cannot be read is left alone.
func (s *Services) seen(e jetstream.KeyValueEntry) {
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

func (s *Services) apply(key string, value []byte, revision uint64, removed bool) {
	if key == lease.Key {
		s.lease.Seen(value, revision, removed)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := strings.CutPrefix(key, servicePrefix); ok {
		if e := s.entry(name); revision > e.serviceRev {
			if e.service != nil {
				delete(s.names, e.service.ID)
			}
			e.service, e.serviceRev, e.rest = decode[Service](s, key, value, removed), revision, time.Time{}
			e.limiter = nil
			if e.service != nil {
				s.names[e.service.ID] = name
			}
		}
	} else if name, ok := strings.CutPrefix(key, statePrefix); ok {
		if e := s.entry(name); revision > e.stateRev {
			e.state, e.stateRev, e.rest = decode[State](s, key, value, removed), revision, time.Time{}
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func decode[T any](s *Services, key string, value []byte, removed bool) *T {
	if removed {
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(value, v); err != nil {
		s.Logger.Error("a service's record cannot be read", "key", key, "err", err)
		return nil
	}
	return v
}

// entry returns that of a name. Services.mu is held.
func (s *Services) entry(name string) *entry {
	e := s.entries[name]
	if e == nil {
		e = new(entry)
		s.entries[name] = e
	}
	return e
}
