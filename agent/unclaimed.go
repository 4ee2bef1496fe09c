package agent

import (
	"context"
	"math/rand/v2"
	"time"
)

// What becomes of a result when the cloud has no record of its order. That
// is no reason to delete it: the cloud's store may have been restored from an older state, or
// the record may come to light again. The result stays in the outbox and is offered
// again, less and less often, in every session and for a bounded time.
const (
	offerFirst = 10 * time.Second
	offerMost  = 10 * time.Minute
	// keepUnclaimed is how long after the first such answer, while the agent runs, it is given up.
	keepUnclaimed = 7 * 24 * time.Hour
)

// unclaimed is the course of one result's offers.
type unclaimed struct {
	since time.Time
	wait  time.Duration
}

// disown tells the order's delivery that the cloud does not know the order.
func (o *order) disown() {
	select {
	case o.unknown <- struct{}{}:
	default: // it is being told already
	}
}

// again waits until the result may be offered once more, and is false when
// it is not to be: acknowledged, given up, or the agent stops.
func (o *order) again(ctx context.Context, u *unclaimed, s *session) bool {
	if u.since.IsZero() {
		u.since, u.wait = time.Now(), offerFirst
		o.a.mu.Lock()
		o.unclaimed = true
		o.a.tellEnded()
		o.a.mu.Unlock()
		o.a.Logger.Warn("the cloud has no record of an order: its result is kept and offered again", "order", o.ref.String(), "for", keepUnclaimed)
	}
	if time.Since(u.since) > keepUnclaimed {
		o.a.Logger.Error("result given up: the cloud has had no record of its order for too long", "order", o.ref.String(), "since", u.since)
		o.a.forget(o.ref)
		return false
	}
	timer := time.NewTimer(u.wait/2 + rand.N(u.wait/2))
	defer timer.Stop()
	u.wait = min(2*u.wait, offerMost)
	select {
	case <-timer.C:
	case <-s.done:
	case <-o.acked:
		o.settle()
		return false
	case <-ctx.Done():
		return false
	}
	return true
}
