package dispatch

import (
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
)

const (
	// sweepEvery is how often parameters and logs are swept, if nothing asks for it earlier.
	sweepEvery = 10 * time.Minute
	// messageAfter is how long a queued record may be without its message.
	messageAfter = 2 * time.Second
	// messageChecks bounds how many messages one round looks up.
	messageChecks = 2000
)

// reap handles orders that stay in a state too long. Every gateway does it; the revision of a
// record makes the second one's attempt harmless.
func (d *Dispatcher) reap(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.Ready():
	}
	tick := time.NewTicker(max(10*time.Millisecond, min(time.Second, d.cfg.Lease/4)))
	defer tick.Stop()
	var swept time.Time
	reconnects := d.Conn().Stats().Reconnects
	for {
		if n := d.Conn().Stats().Reconnects; n != reconnects {
			reconnects = n // the store may have lost relaxed writes
			d.mu.Lock()
			clear(d.queued)
			d.mu.Unlock()
		}
		for _, a := range d.ledger.Active(d.overdue) {
			if err := d.resolve(ctx, a); err != nil && ctx.Err() == nil {
				d.log.Warn("overdue order was not handled yet", "order", a.Ref(), "err", err)
			}
		}
		d.requeueLost(ctx)
		if d.garbage.Swap(false) || time.Since(swept) > sweepEvery {
			if err := d.params.Sweep(ctx, d.cfg.Trusted(), d.ended); err != nil && ctx.Err() == nil {
				d.log.Warn("parameters of ended orders were not removed yet", "err", err)
			}
			if err := d.logs.Expire(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("old logs were not removed yet", "err", err)
			}
			swept = time.Now()
		}
		d.wakeAll() // pauses may be over
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// requeueLost makes sure that queued orders have a message in the queue: a crash between the two
// writes, or a power cut, may have lost it.
func (d *Dispatcher) requeueLost(ctx context.Context) {
	d.mu.Lock()
	known := d.queued
	d.mu.Unlock()
	n := 0
	next := make(map[wire.OrderID]wire.Attempt, len(known))
	todo := d.ledger.Active(func(a ledger.Aged) bool {
		if a.State != wire.StateQueued || a.Runtime.Service() || a.InState < messageAfter {
			return false
		}
		if known[a.ID] == a.Attempt {
			next[a.ID] = a.Attempt
			return false
		}
		n++
		return n <= messageChecks
	})
	for _, a := range todo {
		ok, err := d.queue.Has(ctx, a.Environment, a.Priority, a.Ref())
		if err == nil && !ok {
			d.log.Info("order was queued again", "order", a.Ref())
			err = d.queue.Put(ctx, a.Environment, a.Priority, a.Ref())
		}
		if err != nil {
			if ctx.Err() == nil {
				d.log.Warn("queue was not verified", "order", a.Ref(), "err", err)
			}
			break
		}
		next[a.ID] = a.Attempt
	}
	d.mu.Lock()
	d.queued = next
	d.mu.Unlock()
}

// ended reports whether an order has ended, and whether it is known at all.
func (d *Dispatcher) ended(ctx context.Context, id string) (ended, known bool, err error) {
	rec, err := d.ledger.Get(ctx, wire.OrderID(id))
	if errors.Is(err, ErrNotFound) {
		return false, false, nil
	}
	return err == nil && rec.Terminal(), true, err
}

// wakeAll is wake for every Environment that has a session here.
func (d *Dispatcher) wakeAll() {
	d.mu.Lock()
	for _, e := range d.envs {
		e.due = e.due || len(e.sessions) > 0
	}
	d.mu.Unlock()
	select {
	case d.due <- struct{}{}:
	default:
	}
}
