package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	clockKey = "clk"
	// noteEvery is how often a confirmed time is remembered, and storeEvery how often it is stored.
	noteEvery  = time.Minute
	storeEvery = 10 * time.Minute
)

// confirmation is a time that connected servers confirmed, and when they did, by the monotonic
// clock. The wall clock may be in doubt for as long as somebody causes it (most of the connected
// servers could): a certificate that has ended by a confirmed time and the monotonic time since
// then has ended all the same. So no certificate that ended before the doubt is accepted, and after
// a start no more time is forgiven than the whole cloud was off.
type confirmation struct {
	wall time.Time
	at   time.Time // monotonic
}

func (m confirmation) now() time.Time {
	if m.wall.IsZero() {
		return time.Time{}
	}
	return m.wall.Add(time.Since(m.at))
}

// certainTime is a time that certainly has been reached: the wall clock's while that may be
// trusted. It is zero if no servers have confirmed a clock yet.
func (r *Registry) certainTime() time.Time {
	if r.trusted() {
		return time.Now()
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.confirmed.now()
}

// KeepTime remembers the time, once a minute while confirmed reports that the connected servers
// have the same, until ctx ends. The clock of a cloud without servers may be wrong for hours, and
// is not remembered.
func (r *Registry) KeepTime(ctx context.Context, confirmed func() bool) error {
	var stored confirmation
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		if confirmed() {
			now := time.Now()
			r.noteTime(now)
			// Also when the clock was set back: the newest confirmed time counts, not the latest.
			if now.Round(0).Sub(stored.wall).Abs() >= storeEvery {
				if err := r.storeTime(ctx, now); err == nil {
					stored = confirmation{now.Round(0), now}
				} else if ctx.Err() == nil {
					r.log.Debug("the time was not stored, trying again", "err", err)
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *Registry) noteTime(wall time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.confirmed = confirmation{wall.Round(0), time.Now()}
}

func (r *Registry) storeTime(ctx context.Context, now time.Time) error {
	data, err := json.Marshal(now.UTC().Truncate(time.Second))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_, err = r.kv.Put(ctx, clockKey, data)
	return err
}

// storeTimeout bounds a write that can be done later.
const storeTimeout = 10 * time.Second

// readTime reads the time that was stored last. The registry answers nobody before.
func (r *Registry) readTime(ctx context.Context) error {
	e, err := r.kv.Get(ctx, clockKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the time that was confirmed last: %w", err)
	}
	var wall time.Time
	if err := json.Unmarshal(e.Value(), &wall); err != nil {
		// It is stored again as soon as servers are connected.
		r.log.Error("the time that was confirmed last is not readable", "err", err)
		return nil
	}
	r.noteTime(wall)
	return nil
}
