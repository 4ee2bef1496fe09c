package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/cmd/tccloud/internal/store/embedded"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// probeGap is how long after the last durable write nothing is known any more: the store does not
// answer, or this process itself stood still.
const probeGap = 5 * time.Second

// Health tells whether a write was durable a moment ago.
type Health struct {
	Err   error     // why it was not; nil: it was
	Since time.Time // since when Err is nil, or not; monotonic
}

// Health tells whether the store takes writes, and since when without a gap, as far as Run could
// see. Leases and deadlines must not count time before Since. Package health logs its changes.
func (s *Store) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	if late := time.Since(s.durable); s.health.Err == nil && late > probeGap {
		return Health{fmt.Errorf("no write was durable for %s", late.Round(time.Second)), s.durable}
	}
	return s.health
}

// Prove writes something, so that Health is about now: until Run nothing else does.
func (s *Store) Prove(ctx context.Context) {
	began := time.Now()
	_, err := s.probeWrite(ctx, nil)
	s.note(began, err)
}

// note records the result of a probe that began at that time.
func (s *Store) note(began time.Time, err error) {
	s.probed(time.Since(began), err)
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.health
	now := time.Now()
	switch {
	case err == nil:
		if was.Err != nil || now.Sub(s.durable) > probeGap {
			s.health = Health{nil, now}
		}
		s.durable = began
	case was.Err == nil && now.Sub(s.durable) <= probeGap && !errors.Is(err, embedded.ErrBroken) && !errors.Is(err, quota.ErrFull):
		// One late answer is not an outage yet.
	case was.Err == nil:
		s.health = Health{err, now}
	default:
		s.health.Err = err
	}
}
