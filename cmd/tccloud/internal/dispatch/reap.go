package dispatch

import (
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/link/wire"
)

const (
	// sweepEvery is how often parameters and logs are swept, if nothing asks for it earlier.
	sweepEvery = 10 * time.Minute
)

// reap handles orders that stay in a state too long. What concerns a session is done by its gateway,
// what ends an order by the keeper; the revision of a record makes the attempt of another one harmless.
func (d *Dispatcher) reap(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.Ready():
	}
	tick := time.NewTicker(max(10*time.Millisecond, min(time.Second, d.cfg.Lease/4)))
	defer tick.Stop()
	var swept time.Time
	for {
		for _, a := range d.ledger.Active(d.overdue) {
			if err := d.resolve(ctx, a); err != nil && ctx.Err() == nil {
				d.log.Warn("overdue order was not handled yet", "order", a.Ref(), "err", err)
			}
		}
		if d.Keeper() && (d.garbage.Swap(false) || time.Since(swept) > sweepEvery) {
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
