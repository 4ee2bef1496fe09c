package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/host/clock"
)

// Trust says how to know whether this host's clock may judge the age of what
// is stored; before, it always may. It is called before Expire and Trim are.
func (s *Store) Trust(clock func() bool) { s.trust = clock }

// trusted reports whether anything may be removed for its age.
func (s *Store) trusted() bool { return s.trust == nil || s.trust() }

// Expire removes from a stream what is older than age, while the clock may
// judge it. Nobody else does: a stream's own limit goes by the clock of the moment, and one that
// is ten years ahead for a second would empty it.
//
// Messages lie in the order of their writing: what lies before an old one is
// old, even where its own time cannot be true.
func (s *Store) Expire(ctx context.Context, stream string, age time.Duration) error {
	if !s.trusted() {
		return nil
	}
	st, err := s.js.Stream(ctx, stream)
	if err == nil {
		err = expiry{Stream: st, now: time.Now(), age: age}.purge(ctx)
	}
	if err != nil {
		return fmt.Errorf("removing what is old from %q: %w", stream, err)
	}
	return nil
}

type expiry struct {
	jetstream.Stream
	now time.Time
	age time.Duration
}

// next returns the first message from seq on, nil after the last.
func (e expiry) next(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := e.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	return m, err
}

func (e expiry) old(m *jetstream.RawStreamMsg) bool {
	return clock.True(m.Time, e.now) && e.now.Sub(m.Time) > e.age
}

// purge removes all up to the newest message that a search finds old.
func (e expiry) purge(ctx context.Context) error {
	state := e.CachedInfo().State
	var newest uint64
	for lo, hi := max(state.FirstSeq, 1), state.LastSeq; lo <= hi; {
		mid := lo + (hi-lo)/2
		m, err := e.next(ctx, mid)
		switch {
		case err != nil:
			return err
		case m != nil && e.old(m):
			newest, lo = m.Sequence, m.Sequence+1
		default:
			hi = mid - 1
		}
	}
	if newest == 0 {
		return nil
	}
	return e.Purge(ctx, jetstream.WithPurgeSequence(newest+1))
}
