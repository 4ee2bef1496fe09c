package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/logs"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// Session is a connection to an agent as a gateway has it. Its methods
// must not block and may be called from anywhere.
type Session interface {
	// Send queues a message. An error that wraps wire.ErrInvalid or
	// wire.ErrFrameTooLarge is the message's fault; any other means that the session is over.
	Send(m wire.Message) error
	// End closes the session after an Error with this code.
	End(code wire.Code, message string, retryAfter time.Duration)
}

// EndError asks the gateway to end a session with a code.
type EndError struct {
	Code       wire.Code
	Message    string
	RetryAfter time.Duration
}

// Error implements error.
func (e *EndError) Error() string { return string(e.Code) + ": " + e.Message }

// Seat is a session's place in the dispatcher: which orders it may get.
// Handle is called by the one goroutine that reads the session.
type Seat struct {
	d       *Dispatcher
	session Session
	xid     wire.ServerXID
	env     string
	epoch   int64
	journal string // that hello names
	logs    *logs.Writer
	named   map[wire.Ref]bool // what hello named; nil: hello was cut off at its limit

	// sending makes "is it still to be sent" and Send one step, so that a
	// Cancel never overtakes its order.
	sending sync.Mutex

	// Under Dispatcher.mu.
	credit  int
	open    bool // welcome is sent
	closed  bool
	away    bool          // info says that it takes nothing now: it drains, or its host cannot run Apps
	pause   time.Duration // after the last refusal
	paused  time.Time     // until then
	awayAt  time.Time     // since when it is away
	recalls map[wire.Ref]time.Time
}

// Epoch is the session's number.
func (s *Seat) Epoch() int64 { return s.epoch }

// Credit is the number of orders the session would take now.
func (s *Seat) Credit() int {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.credit
}

// Attach makes the session the server's newest, fences the one before,
// and compares the agent's journal with the records. The returned Welcome lacks
// HeartbeatMS and ConfigRevision. After it was sent, Open; at the end, Close. On
// error nothing remains.
func (d *Dispatcher) Attach(ctx context.Context, env string, s Session, h *wire.Hello) (*Seat, *wire.Welcome, error) {
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return nil, nil, &EndError{wire.CodeRetryLater, "the records are still being loaded", time.Second}
	}
	epoch, err := d.presence.Claim(ctx, h.ServerXID)
	if err != nil {
		d.presence.TurnedAway(h.ServerXID)
		return nil, nil, err
	}
	seat := &Seat{d: d, session: s, xid: h.ServerXID, env: env, epoch: epoch, journal: h.Journal, logs: d.logs.Writer(), credit: h.Slots}
	d.mu.Lock()
	if old := d.seats[seat.xid]; old != nil && old.epoch > epoch {
		d.mu.Unlock()
		return nil, nil, &EndError{Code: wire.CodeFenced, Message: "a newer session of this server exists"}
	}
	d.seats[seat.xid] = seat
	d.mu.Unlock()
	w, err := seat.reconcile(ctx, h)
	if err == nil && !d.presence.Holds(seat.xid, epoch) {
		err = &EndError{Code: wire.CodeFenced, Message: "a newer session of this server exists"}
	}
	if err != nil {
		seat.Close()
		d.presence.TurnedAway(seat.xid)
		return nil, nil, fmt.Errorf("attaching server %q: %w", h.ServerXID, err)
	}
	return seat, w, nil
}

// fence ends a session that is older than epoch.
func (d *Dispatcher) fence(xid wire.ServerXID, epoch int64) {
	s := d.seat(xid)
	if s == nil || s.epoch >= epoch {
		return
	}
	s.Close()
	s.session.End(wire.CodeFenced, "a newer session of this server took over", 0)
}

// Open lets orders go to the session.
func (s *Seat) Open() {
	d := s.d
	d.mu.Lock()
	s.open = true
	if !s.closed {
		e := d.env(s.env)
		e.seats[s] = struct{}{}
	}
	d.mu.Unlock()
	for _, rec := range d.ledger.Active(func(a ledger.Aged) bool { return a.Server == s.xid && !a.Cancel.IsZero() }) {
		s.cancel(rec.Record)
	}
	d.kick(s.env)
}

// Close takes the session out. Orders stay where the records say.
func (s *Seat) Close() {
	d := s.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if d.seats[s.xid] == s {
		delete(d.seats, s.xid)
	}
	if e := d.envs[s.env]; e != nil {
		delete(e.seats, s)
	}
	d.presence.Leave(s.xid, s.epoch)
}

// env returns the Environment's place. d.mu is held.
func (d *Dispatcher) env(name string) *environment {
	e := d.envs[name]
	if e == nil {
		e = &environment{seats: map[*Seat]struct{}{}}
		d.envs[name] = e
	}
	return e
}

// reconcile compares hello with the records of this server.
func (s *Seat) reconcile(ctx context.Context, h *wire.Hello) (*wire.Welcome, error) {
	w := &wire.Welcome{Epoch: s.epoch, ServerTime: time.Now().UnixMilli(), Environment: s.env}
	named := map[wire.Ref]bool{}
	for _, o := range h.Orders {
		named[o.Ref] = true
		over, err := s.over(ctx, o.Ref)
		switch {
		case errors.Is(err, ErrNotFound):
			s.d.log.Warn("server has an order that is not known here; it goes on", "order", o.Ref, "server", s.xid)
			continue
		case err != nil:
			return nil, err
		case over:
			w.Fenced = append(w.Fenced, o.Ref)
			continue
		}
		if err := s.progress(ctx, o.Ref, o.State); err != nil {
			return nil, err
		}
	}
	for _, r := range h.Results {
		named[r] = true
	}
	// A list cut off at the limit does not say what is not in it.
	if len(h.Orders)+len(h.Results) < wire.MaxHelloRefs {
		s.named = named
		missing := s.d.ledger.Active(func(a ledger.Aged) bool { return a.Server == s.xid && !named[a.Ref()] })
		for _, rec := range missing {
			if err := s.missing(ctx, rec.Ref()); err != nil {
				return nil, err
			}
		}
	}
	fenced := map[wire.Ref]bool{}
	for _, r := range w.Fenced {
		fenced[r] = true
	}
	for r := range named {
		if fenced[r] {
			continue
		}
		offsets, err := s.d.logs.Offsets(ctx, r)
		if err != nil {
			return nil, err
		}
		w.Logs = append(w.Logs, offsets...)
	}
	return w, nil
}

// over reports whether a record says that ref is not this server's current
// attempt any more. Before it says yes it asks the bucket: another gateway may have given the order
// to this server a moment ago. ErrNotFound: there is no record to go by.
func (s *Seat) over(ctx context.Context, ref wire.Ref) (bool, error) {
	if rec := s.d.ledger.Peek(ref.Order); rec != nil && rec.Is(ref, s.xid) {
		return false, nil
	}
	rec, err := s.d.ledger.Fresh(ctx, ref.Order)
	if err != nil {
		return false, err
	}
	return !rec.Is(ref, s.xid), nil
}

// late reports whether the record was delivered to an earlier session of
// this server, at another gateway, but was not known here yet when hello was compared.
func (s *Seat) late(r *record.Record) bool {
	return r.State == wire.StateDelivered && r.Epoch < s.epoch && s.named != nil && !s.named[r.Ref()]
}

// missing applies the rule for an order of this server that hello does not name.
func (s *Seat) missing(ctx context.Context, ref wire.Ref) error {
	rec, err := s.d.ledger.Update(ctx, ref.Order, func(r *record.Record) error {
		if !r.Is(ref, s.xid) {
			return record.ErrStale
		}
		r.Missing(s.journal, s.d.cfg.MaxAttempts, time.Now())
		return nil
	})
	switch {
	case errors.Is(err, record.ErrStale):
		return nil
	case err != nil:
		return err
	}
	s.d.log.Info("order was not in hello", "order", ref, "server", s.xid, "state", rec.State)
	s.d.settle(ctx, rec)
	return nil
}
