package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/host/clock"
)

// Expire removes from a stream what is older than age, while the clock may be trusted. The stream's
// own limit (MaxAge) goes by the clock of the moment: one that is ten years ahead for a second
// would empty the stream.
//
// Messages lie in the order in which they were written: what lies before an old one is old, even
// where its own time cannot be true.
func (p *Pruner) Expire(ctx context.Context, stream string, age time.Duration) error {
	if !p.trusted() {
		return nil
	}
	st, err := p.js.Stream(ctx, stream)
	if err == nil {
		err = expiry{Stream: st, now: time.Now(), age: age}.purge(ctx)
	}
	if err != nil {
		return fmt.Errorf("removing what is old from %q: %w", stream, err)
	}
	return nil
}

// expiry is a stream and the age that is too old for it.
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

// purge searches for the newest message that is old, and removes it and all before it.
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
