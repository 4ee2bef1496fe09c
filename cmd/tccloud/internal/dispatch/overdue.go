package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/queue"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// Deadlines counted from the moment the state was reached.
func (d *Dispatcher) runDeadline(a ledger.Aged) time.Duration {
	return a.Timeout + d.cfg.Grace + d.cfg.Lease
}

func (d *Dispatcher) startDeadline(a ledger.Aged) time.Duration {
	return d.cfg.PrepareIn + d.runDeadline(a)
}

// overdue selects the orders that resolve has to look at. An order that is with a server is not
// overdue before the server had a full lease in which this gateway could have accepted it, to
// report what became of the order.
func (d *Dispatcher) overdue(a ledger.Aged) bool {
	if a.State == wire.StateQueued {
		return a.Age > a.StartWithin && !a.Runtime.Service() // a service waits for as long as it takes
	}
	if d.Gone(a.Server) {
		return !a.Runtime.Service() || a.Held() || !a.Cancel.IsZero() || d.roomElsewhere(a)
	}
	sighted, ok := d.presence.Observed()
	heard := ok && sighted > d.cfg.Lease
	switch {
	case a.State == wire.StateDelivered:
		session := d.openSession(a.Server)
		return a.InState > d.cfg.AcceptIn || session != nil && session.unseen(a.Record)
	case a.Held():
		return a.InState > d.cfg.PrepareIn
	case a.Runtime.Service() && a.Cancel.IsZero(): // it runs for as long as nobody ends it
		return false
	case a.Runtime.Service():
		return heard && time.Since(a.Cancel) > d.runDeadline(a)
	case a.State == wire.StateRunning:
		return heard && a.InState > d.runDeadline(a)
	}
	return heard && a.InState > d.startDeadline(a)
}

// roomElsewhere reports whether another server could run the service now. While none can, nothing would be
// won by giving up the instance of a server that is away: its App most likely runs on.
func (d *Dispatcher) roomElsewhere(a ledger.Aged) bool {
	now, t := time.Now(), queue.TakersOf(a.Record)
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.envs[a.Environment]; e != nil {
		for s := range e.sessions {
			if s.xid != a.Server && s.takesOrders(now) && s.services > 0 && t.Have(s.xid, s.opens) {
				return true
			}
		}
	}
	return false
}

// openSession returns the server's session if welcome was sent.
func (d *Dispatcher) openSession(xid wire.ServerXID) *Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.sessions[xid]; s != nil && s.open {
		return s
	}
	return nil
}

// resolve applies the rule to an overdue order.
func (d *Dispatcher) resolve(ctx context.Context, a ledger.Aged) error {
	gone := d.Gone(a.Server)
	session := d.openSession(a.Server)
	held := a.Held()
	switch {
	case a.State == wire.StateQueued:
		return d.endByKeeper(ctx, a, func(r *record.Record) {
			r.End(wire.Rejected, fmt.Sprintf("not delivered within %s", a.StartWithin), time.Now())
		})
	case gone && !d.Keeper():
		return nil
	case gone:
		if err := d.presence.Refresh(ctx, a.Server); err != nil {
			return err
		}
		if !d.Gone(a.Server) {
			return nil // it has a session at another gateway, which was not known here yet
		}
		return d.end(ctx, a, func(r *record.Record) { r.Gone(d.cfg.Lease, d.cfg.MaxAttempts, time.Now()) })
	case a.State == wire.StateDelivered && session != nil && session.unseen(a.Record):
		return session.notInHello(ctx, a.Ref())
	case a.State == wire.StateDelivered || held && a.InState > d.startDeadline(a):
		// Only a new hello can tell what the agent has in its journal.
		if session != nil {
			session.Close()
			session.peer.End(wire.CodeRetryLater, fmt.Sprintf("order %s was not answered", a.Ref()), 0)
		}
		return nil
	case held:
		if session != nil && session.mayRecall(a.Ref(), d.cfg.PrepareIn) {
			session.recall(a.Ref())
		}
		return nil
	}
	if session != nil {
		defer session.cancel(a.Record)
	}
	return d.endByKeeper(ctx, a, func(r *record.Record) {
		r.End(wire.TimedOut, "the server gave no outcome within timeout, grace and lease", time.Now())
	})
}

// endByKeeper is end in the gateway whose task it is.
func (d *Dispatcher) endByKeeper(ctx context.Context, a ledger.Aged, change func(*record.Record)) error {
	if !d.Keeper() {
		return nil
	}
	return d.end(ctx, a, change)
}

// end changes an order if it is still at the attempt and in the state that a has.
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
	return nil
}

// mayRecall reports whether the order was not recalled within every.
func (s *Session) mayRecall(ref wire.Ref, every time.Duration) bool {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	t, ok := s.recalls[ref]
	return !ok || time.Since(t) > every
}
