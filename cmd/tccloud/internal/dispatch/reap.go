package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// sweepEvery is how often parameter objects are compared with the
	// records where nothing calls for it.
	sweepEvery = 10 * time.Minute
	// sweepAge spares objects whose record is being made.
	sweepAge = time.Hour
	// verifyAfter is how long a queued record may be without its message.
	verifyAfter = 2 * time.Second
	// verifyMost bounds the look-ups of one round.
	verifyMost = 2000
)

// reap ends or moves what stays in a state too long. Every gateway does it;
// the records' revisions make the second one's attempt harmless.
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
			clear(d.verified)
			d.mu.Unlock()
		}
		for _, a := range d.ledger.Active(d.overdue) {
			if err := d.judge(ctx, a); err != nil && ctx.Err() == nil {
				d.log.Warn("overdue order was not handled yet", "order", a.Ref(), "err", err)
			}
		}
		d.verify(ctx)
		if d.litter.Swap(false) || time.Since(swept) > sweepEvery {
			if err := d.sweep(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("parameters of ended orders were not removed yet", "err", err)
			}
			if err := d.logs.Expire(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("old logs were not removed yet", "err", err)
			}
			swept = time.Now()
		}
		d.kickAll() // pauses and dry spells may be over
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Deadlines counted from the moment the state was reached.
func (d *Dispatcher) runDeadline(a ledger.Aged) time.Duration {
	return a.Timeout + d.cfg.Grace + d.cfg.Lease
}

func (d *Dispatcher) startDeadline(a ledger.Aged) time.Duration {
	return d.cfg.PrepareIn + d.runDeadline(a)
}

// overdue selects what judge has to look at. An order that is with a server is
// not overdue before the server had a full lease, in which it could have been
// taken in, to say what became of it.
func (d *Dispatcher) overdue(a ledger.Aged) bool {
	if a.State == wire.StateQueued {
		return a.Age > a.StartWithin
	}
	if away, ok := d.presence.Away(a.Server); ok && away > d.cfg.Lease {
		return true
	}
	sighted, ok := d.presence.Sighted()
	heard := ok && sighted > d.cfg.Lease
	switch {
	case a.State == wire.StateDelivered:
		seat := d.openSeat(a.Server)
		return a.InState > d.cfg.AcceptIn || seat != nil && seat.late(a.Record)
	case a.State == wire.StateRunning:
		return heard && a.InState > d.runDeadline(a)
	case a.Startable():
		return a.InState > d.cfg.PrepareIn
	}
	return heard && a.InState > d.startDeadline(a)
}

// openSeat returns the server's seat if hello was answered.
func (d *Dispatcher) openSeat(xid wire.ServerXID) *Seat {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.seats[xid]; s != nil && s.open {
		return s
	}
	return nil
}

// judge applies the rule to an overdue order.
func (d *Dispatcher) judge(ctx context.Context, a ledger.Aged) error {
	away, gone := d.presence.Away(a.Server)
	gone = gone && away > d.cfg.Lease
	seat := d.openSeat(a.Server)
	held := a.Startable()
	switch {
	case a.State == wire.StateQueued:
		return d.end(ctx, a, func(r *record.Record) {
			r.End(wire.Rejected, fmt.Sprintf("not delivered within %s", a.StartWithin), time.Now())
		})
	case gone:
		if err := d.presence.Look(ctx, a.Server); err != nil {
			return err
		}
		if away, gone = d.presence.Away(a.Server); !gone || away <= d.cfg.Lease {
			return nil // it is with another gateway, which was not heard of here
		}
		return d.end(ctx, a, func(r *record.Record) { r.Gone(d.cfg.Lease, d.cfg.MaxAttempts, time.Now()) })
	case a.State == wire.StateDelivered && seat != nil && seat.late(a.Record):
		return seat.missing(ctx, a.Ref())
	case a.State == wire.StateDelivered || held && a.InState > d.startDeadline(a):
		// What the agent has in its journal only a new hello can tell.
		if seat != nil {
			seat.Close()
			seat.session.End(wire.CodeRetryLater, fmt.Sprintf("order %s was not answered", a.Ref()), 0)
		}
		return nil
	case held:
		if seat != nil && seat.mayRecall(a.Ref(), d.cfg.PrepareIn) {
			seat.recall(a.Ref())
		}
		return nil
	}
	if seat != nil {
		defer seat.cancel(a.Record)
	}
	return d.end(ctx, a, func(r *record.Record) {
		r.End(wire.TimedOut, "the server gave no outcome within timeout, grace and lease", time.Now())
	})
}

// end changes an order that is still at the attempt and in the state a
// says, and in the case of a queued one removes the message.
func (d *Dispatcher) end(ctx context.Context, a ledger.Aged, change func(*record.Record)) error {
	rec, err := d.ledger.Update(ctx, a.ID, func(r *record.Record) error {
		if r.Attempt != a.Attempt || r.State != a.State || r.Granted != a.Granted {
			return record.ErrStale
		}
		change(r)
		return nil
	})
	if errors.Is(err, record.ErrStale) {
		return nil
	}
	if err != nil {
		return err
	}
	d.log.Info("overdue order was handled", "order", a.Ref(), "was", a.State, "state", rec.State, "server", a.Server)
	d.settle(ctx, rec)
	if a.State == wire.StateQueued {
		return d.queue.Remove(ctx, a.Environment, a.Priority, a.ID)
	}
	return nil
}

// mayRecall limits recalls of one order.
func (s *Seat) mayRecall(ref wire.Ref, every time.Duration) bool {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	t, ok := s.recalls[ref]
	return !ok || time.Since(t) > every
}

// verify makes sure that queued orders have their message: a crash
// between the two writes, or a power cut of the queue, may have taken it.
func (d *Dispatcher) verify(ctx context.Context) {
	d.mu.Lock()
	known := d.verified
	d.mu.Unlock()
	n := 0
	next := make(map[wire.OrderID]wire.Attempt, len(known))
	todo := d.ledger.Active(func(a ledger.Aged) bool {
		if a.State != wire.StateQueued || a.InState < verifyAfter {
			return false
		}
		if known[a.ID] == a.Attempt {
			next[a.ID] = a.Attempt
			return false
		}
		n++
		return n <= verifyMost
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
	d.verified = next
	d.mu.Unlock()
}

// sweep removes parameter objects of orders that have ended.
func (d *Dispatcher) sweep(ctx context.Context) error {
	objects, err := d.inputs.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, o := range objects {
		rec, err := d.ledger.Get(ctx, wire.OrderID(o.Name))
		gone := errors.Is(err, ErrNotFound) && d.cfg.Trusted() && time.Since(o.ModTime) > sweepAge
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if gone || err == nil && rec.Terminal() {
			if err := d.dropInputs(ctx, o.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// kickAll wakes the Environments that have sessions here.
func (d *Dispatcher) kickAll() {
	d.mu.Lock()
	for _, e := range d.envs {
		e.due = e.due || len(e.seats) > 0
	}
	d.mu.Unlock()
	select {
	case d.due <- struct{}{}:
	default:
	}
}
