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
	// pullWait is how long a pull waits for a message whose record is known already: the message
	// follows the record within milliseconds.
	pullWait = 250 * time.Millisecond
	// emptyPause is how long a priority whose queue was empty is not asked again.
	emptyPause = time.Second
	// batch bounds one pull.
	batch = 64
	// certainPause is how long an order steps back that no server with credit may take.
	certainPause = time.Second
)

var errTakers = errors.New("it is for certain servers")

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

// expect has the queue of a priority asked again at once, where it was found empty: an order that
// steps back (see certainPause) must not hold up one that has just come.
func (d *Dispatcher) expect(env string, priority int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.envs[env]; e != nil && priority >= 0 && priority < len(e.emptyUntil) {
		e.emptyUntil[priority] = time.Time{}
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

// pump delivers an Environment's orders until none is queued or no session has credit.
func (d *Dispatcher) pump(ctx context.Context, name string, e *environment) {
	for {
		d.mu.Lock()
		e.due = false
		credit, services := e.free(time.Now())
		dry := e.emptyUntil
		d.mu.Unlock()
		if services > 0 {
			d.offerServices(ctx, name)
		}
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
			if credit > 0 {
				d.lookAgain(name, e, queued, dry)
			}
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
	}
}

// lookAgain wakes the pump when a queue that was found empty, although orders are queued, is asked
// again: they stepped back, and nothing else may happen until then. Dispatcher.mu is held.
func (d *Dispatcher) lookAgain(name string, e *environment, queued [10]int, dry [10]time.Time) {
	var soonest time.Time
	for p := range queued {
		if queued[p] > 0 && (soonest.IsZero() || dry[p].Before(soonest)) {
			soonest = dry[p]
		}
	}
	if soonest.IsZero() || e.looking {
		return
	}
	e.looking = true
	time.AfterFunc(time.Until(soonest), func() {
		d.mu.Lock()
		e.looking = false
		d.mu.Unlock()
		d.wake(name)
	})
}

// pull delivers up to n queued orders of one priority concurrently.
func (d *Dispatcher) pull(ctx context.Context, name string, e *environment, priority, n int) {
	items, err := d.queue.Pull(ctx, name, priority, n, pullWait)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("queue did not answer", "environment", name, "err", err)
	}
	if len(items) == 0 {
		d.mu.Lock()
		e.emptyUntil[priority] = time.Now().Add(emptyPause)
		d.mu.Unlock()
		return
	}
	var wg sync.WaitGroup
	for _, item := range items {
		wg.Go(func() { d.deliver(ctx, name, item) })
	}
	wg.Wait()
}

// offerServices gives orders of services to sessions that have room for them. There are few, and
// those that no server takes wait for long, so they are in no queue: each gateway tries them, when
// something happens in their Environment and every second.
func (d *Dispatcher) offerServices(ctx context.Context, env string) {
	for _, id := range d.ledger.QueuedServices(env) {
		rec := d.ledger.Peek(id)
		if rec == nil || rec.Delay(time.Now()) > 0 {
			continue
		}
		t, attempt := takersOf(rec), rec.Attempt
		session := d.reserve(env, t)
		if session == nil {
			continue
		}
		rec, err := d.ledger.Update(ctx, id, func(r *record.Record) error {
			return r.Deliver(attempt, session.xid, session.epoch, session.journal, time.Now())
		})
		if err == nil {
			d.send(ctx, session, rec)
			continue
		}
		d.returnCredit(session, t)
		if !errors.Is(err, record.ErrStale) {
			d.log.Warn("order of a service was not delivered yet", "order", id, "err", err)
		}
	}
}

// deliver gives one queued order to the session with the most credit, of those that may take it.
func (d *Dispatcher) deliver(ctx context.Context, env string, item queue.Item) {
	var t takers
	if rec := d.ledger.Peek(item.Order); rec != nil {
		if rest := rec.Delay(time.Now()); rest > 0 {
			item.Back(rest)
			return
		}
		t = takersOf(rec)
	}
	session := d.reserve(env, t)
	if session == nil {
		pause := time.Duration(0)
		if t.certain() { // only this order waits for certain servers: others are taken meanwhile
			pause = certainPause
		}
		item.Back(pause)
		return
	}
	rec, err := d.ledger.Update(ctx, item.Order, func(r *record.Record) error {
		if !takersOf(r).equal(t) { // it was not known here yet
			return errTakers
		}
		return r.Deliver(item.Attempt, session.xid, session.epoch, session.journal, time.Now())
	})
	switch {
	case err == nil:
		item.Done()
		d.send(ctx, session, rec)
	case errors.Is(err, record.ErrStale):
		d.returnCredit(session, t)
		item.Done()
	case errors.Is(err, ErrNotFound):
		// The record is written before the message: there is no such order. Should its record
		// appear again, requeueLost puts the message again.
		d.returnCredit(session, t)
		item.Done()
	case errors.Is(err, errTakers):
		d.returnCredit(session, t)
		item.Back(0)
	default:
		d.returnCredit(session, t)
		item.Back(time.Second)
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
		d.returnCredit(s, takersOf(rec))
		rec, err := d.ledger.Update(ctx, rec.ID, func(r *record.Record) error {
			if !r.Is(rec.Ref(), s.xid) {
				return record.ErrStale
			}
			change(r)
			return nil
		})
		if err == nil {
			d.enqueue(ctx, rec)
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
		err = s.peer.Send(m)
	}
	s.sending.Unlock()
	switch {
	case !current:
		d.returnCredit(s, takersOf(rec))
	case cancelled, closed:
		unsent(func(r *record.Record) { r.Requeue("the session ended before the order was sent", time.Now()) })
	case errors.Is(err, wire.ErrInvalid), errors.Is(err, wire.ErrFrameTooLarge):
		unsent(func(r *record.Record) { r.End(wire.Rejected, err.Error(), time.Now()) })
	}
}
