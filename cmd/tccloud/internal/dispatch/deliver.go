package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/queue"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// pullWait is how long a pull waits for a message whose record is
	// known already: the message follows the record within milliseconds.
	pullWait = 250 * time.Millisecond
	// dryFor is how long a priority without messages is left alone.
	dryFor = time.Second
	// batch bounds one pull.
	batch = 64
)

// kick says that something may be deliverable in an Environment.
func (d *Dispatcher) kick(env string) {
	d.mu.Lock()
	e := d.envs[env]
	if e != nil {
		e.due = true
	}
	d.mu.Unlock()
	if e == nil {
		return // no session of it was ever here
	}
	select {
	case d.due <- struct{}{}:
	default:
	}
}

// pumps runs one pump for each Environment that is due, while it is.
func (d *Dispatcher) pumps(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for {
		select {
		case <-ctx.Done():
			return g.Wait()
		case <-d.due:
		}
		d.mu.Lock()
		for name, e := range d.envs {
			if e.due && !e.pumping {
				e.pumping = true
				g.Go(func() error { d.pump(ctx, name, e); return nil })
			}
		}
		d.mu.Unlock()
	}
}

// pump delivers an Environment's orders until there are none or there is no credit.
func (d *Dispatcher) pump(ctx context.Context, name string, e *environment) {
	for {
		d.mu.Lock()
		e.due = false
		credit := e.free(time.Now())
		dry := e.dry
		d.mu.Unlock()
		queued, _ := d.ledger.Queued(name)
		priority := -1
		for p := range queued {
			if queued[p] > 0 && time.Now().After(dry[p]) {
				priority = p // the highest is the last
			}
		}
		if credit > 0 && priority >= 0 && ctx.Err() == nil {
			d.pull(ctx, name, e, priority, min(credit, queued[priority], batch))
			continue
		}
		d.mu.Lock()
		if !e.due || ctx.Err() != nil {
			e.pumping = false
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
	}
}

// pull takes n orders of one priority and delivers them side by side.
func (d *Dispatcher) pull(ctx context.Context, name string, e *environment, priority, n int) {
	items, err := d.queue.Pull(ctx, name, priority, n, pullWait)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("queue did not answer", "environment", name, "err", err)
	}
	if len(items) == 0 {
		d.mu.Lock()
		e.dry[priority] = time.Now().Add(dryFor)
		d.mu.Unlock()
		return
	}
	var wg sync.WaitGroup
	for _, item := range items {
		wg.Go(func() { d.deliver(ctx, name, item) })
	}
	wg.Wait()
}

// deliver brings one queued order to the session with the most credit.
func (d *Dispatcher) deliver(ctx context.Context, env string, item queue.Item) {
	if rec := d.ledger.Peek(item.Order); rec != nil {
		if rest := rec.Rest(time.Now()); rest > 0 {
			item.Back(rest)
			return
		}
	}
	seat := d.pick(env)
	if seat == nil {
		item.Back(0)
		return
	}
	rec, err := d.ledger.Update(ctx, item.Order, func(r *record.Record) error {
		return r.Deliver(item.Attempt, seat.xid, seat.epoch, seat.journal, time.Now())
	})
	switch {
	case err == nil:
		item.Done()
		d.hand(ctx, seat, rec)
	case errors.Is(err, record.ErrStale):
		d.giveBack(seat)
		item.Done()
	case errors.Is(err, ErrNotFound):
		// The record is written before the message: there is no such order. Should it
		// come to light again, verify puts the message anew.
		d.giveBack(seat)
		item.Done()
	default:
		d.giveBack(seat)
		item.Back(time.Second)
		d.log.Warn("order was not delivered yet", "order", item.Order, "err", err)
	}
}

// hand sends an order that the record says is delivered to the seat. Where it
// certainly was not sent the record is put right at once; where that is not certain,
// the next hello or the lease decides.
func (d *Dispatcher) hand(ctx context.Context, s *Seat, rec *record.Record) {
	unsent := func(change func(*record.Record)) {
		ctx, cancel := detached(ctx)
		defer cancel()
		d.giveBack(s)
		rec, err := d.ledger.Update(ctx, rec.ID, func(r *record.Record) error {
			if !r.Is(rec.Ref(), s.xid) {
				return record.ErrStale
			}
			change(r)
			return nil
		})
		if err == nil {
			d.settle(ctx, rec)
		}
	}
	m, err := d.order(ctx, rec)
	if err != nil {
		d.log.Warn("order was not sent", "order", rec.Ref(), "err", err)
		unsent(func(r *record.Record) { r.Requeue("its parameters could not be read", time.Now()) })
		return
	}
	s.sending.Lock()
	now := d.ledger.Peek(rec.ID)
	d.mu.Lock()
	closed := s.closed
	d.mu.Unlock()
	current := now != nil && now.Is(rec.Ref(), s.xid)
	cancelled := current && !now.Cancel.IsZero()
	if current && !closed && !cancelled {
		err = s.session.Send(m)
	}
	s.sending.Unlock()
	switch {
	case !current:
		d.giveBack(s)
	case cancelled, closed:
		unsent(func(r *record.Record) { r.Requeue("the session ended before the order was sent", time.Now()) })
	case errors.Is(err, wire.ErrInvalid), errors.Is(err, wire.ErrFrameTooLarge):
		unsent(func(r *record.Record) { r.End(wire.Rejected, err.Error(), time.Now()) })
	}
}

// pick takes one credit from the session of the Environment that has most, or returns nil.
func (d *Dispatcher) pick(env string) *Seat {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.envs[env]
	if e == nil {
		return nil
	}
	return e.take(time.Now())
}

// direct takes a credit for an order that may pass by the queue, because
// nothing waits in it.
func (d *Dispatcher) direct(env string) *Seat {
	select {
	case <-d.Ready():
	default:
		return nil
	}
	if _, total := d.ledger.Queued(env); total > 0 {
		return nil
	}
	return d.pick(env)
}

// giveBack returns a credit that was not used.
func (d *Dispatcher) giveBack(s *Seat) {
	if s == nil {
		return
	}
	d.mu.Lock()
	s.credit++
	d.mu.Unlock()
	d.kick(s.env)
}

func (s *Seat) usable(now time.Time) bool {
	return s.open && !s.away && s.credit > 0 && now.After(s.paused)
}

func (e *environment) take(now time.Time) *Seat {
	var best *Seat
	for s := range e.seats {
		if s.usable(now) && (best == nil || s.credit > best.credit) {
			best = s
		}
	}
	if best != nil {
		best.credit--
	}
	return best
}

func (e *environment) free(now time.Time) int {
	n := 0
	for s := range e.seats {
		if s.usable(now) {
			n += s.credit
		}
	}
	return n
}

// Free is the credit that sessions of an Environment have at this gateway.
func (d *Dispatcher) Free(env string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.envs[env]; e != nil {
		return e.free(time.Now())
	}
	return 0
}
