package dispatch

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/queue"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// atOnce bounds how many orders of an Environment are being delivered at the same time.
	atOnce = 64
	// failedPause is how long an order steps back that could not be delivered: most likely the store
	// does not answer.
	failedPause = time.Second
)

// wake has Run look whether an Environment has orders to deliver.
func (d *Dispatcher) wake(env string) {
	d.mu.Lock()
	e := d.envs[env]
	if e != nil {
		e.due = true
	}
	d.mu.Unlock()
	if e == nil {
		return // it never had a session here
	}
	select {
	case d.due <- struct{}{}:
	default:
	}
}

// pumps runs one pump for each Environment that has something to do.
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

// pump delivers an Environment's orders until none is queued that a session with credit may take. A
// session whose order is being made durable does not hold up the next one.
func (d *Dispatcher) pump(ctx context.Context, name string, e *environment) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for {
		d.mu.Lock()
		e.due = false
		d.mu.Unlock()
		for ctx.Err() == nil {
			var s *Session
			item := d.ledger.Take(name, d.presence.Gateways(), func(t queue.Takers) bool {
				s = d.reserve(name, t)
				return s != nil
			})
			if item == nil {
				break
			}
			g.Go(func() error { d.deliver(ctx, name, item, s); return nil })
		}
		d.mu.Lock()
		if e.due && ctx.Err() == nil {
			d.mu.Unlock()
			continue
		}
		e.pumping = false
		d.mu.Unlock()
		_ = g.Wait()
		return
	}
}

// deliver gives a queued order to a session of which a credit is reserved.
func (d *Dispatcher) deliver(ctx context.Context, env string, item *queue.Item, s *Session) {
	rec, err := d.ledger.Update(ctx, item.Order, func(r *record.Record) error {
		return r.Deliver(item.Attempt, s.xid, s.epoch, s.journal, time.Now())
	})
	if err == nil {
		d.send(ctx, s, rec)
		return
	}
	d.ledger.Back(env, item, failedPause) // nothing, where another gateway was faster or the order has ended
	d.returnCredit(s)
	if !errors.Is(err, record.ErrStale) {
		d.log.Warn("order was not delivered yet", "order", item.Order, "err", err)
	}
}

// send sends an order whose record says that it is delivered to the session. Where the order
// certainly was not sent, the record is corrected at once; where that is not certain, the next
// hello or the lease decides.
func (d *Dispatcher) send(ctx context.Context, s *Session, rec *record.Record) {
	unsent := func(change func(*record.Record)) {
		ctx, cancel := detached(ctx)
		defer cancel()
		d.returnCredit(s)
		// An error leaves the order delivered: the next hello or the lease decides.
		_, _ = d.ledger.Update(ctx, rec.ID, func(r *record.Record) error {
			if !r.Is(rec.Ref(), s.xid) {
				return record.ErrStale
			}
			change(r)
			return nil
		})
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
		err = s.peer.Send(m)
	}
	s.sending.Unlock()
	switch {
	case !current:
		d.returnCredit(s)
	case cancelled, closed:
		unsent(func(r *record.Record) { r.Requeue("the session ended before the order was sent", time.Now()) })
	case errors.Is(err, wire.ErrInvalid), errors.Is(err, wire.ErrFrameTooLarge):
		unsent(func(r *record.Record) { r.End(wire.Rejected, err.Error(), time.Now()) })
	}
}
