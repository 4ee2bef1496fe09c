package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/logs"
)

// Peer is an agent's connection at a gateway. Its methods must not block and must be safe for
// concurrent use.
type Peer interface {
	// Send queues a message. An error that wraps wire.ErrInvalid or wire.ErrFrameTooLarge is the
	// message's fault; any other means that the session is over.
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

// Session is one connected server: what it has and which orders it may get. Handle is called by the
// one goroutine that reads from the agent.
type Session struct {
	d       *Dispatcher
	peer    Peer
	xid     wire.ServerXID
	env     string
	epoch   int64
	journal string // the agent's, as hello names it
	logs    *logs.Writer
	inHello map[wire.Ref]bool // the orders and results in hello; nil: hello was cut off at its limit

	// sending makes one step of the question whether an order is still to be sent, and of Send, so
	// that a Cancel never overtakes its order.
	sending sync.Mutex

	// Under Dispatcher.mu.
	opens         []string // ids of the keys with which the server opens sealed parameters
	credit        int
	services      int  // the same for services
	open          bool // welcome is sent
	closed        bool
	refusing      bool          // info says that it takes no orders: it drains, or its host cannot run Apps
	pause         time.Duration // after the last refusal
	paused        time.Time     // until then
	refusingSince time.Time     // since when it is refusing
	recalls       map[wire.Ref]time.Time
}

// Epoch is the session's number.
func (s *Session) Epoch() int64 { return s.epoch }

// Has reports whether an attempt at an order is with the session's server: what a server says of the
// orders of others counts for nothing.
func (s *Session) Has(ref wire.Ref) bool {
	rec := s.d.ledger.Peek(ref.Order)
	return rec != nil && rec.Is(ref, s.xid)
}

// Had reports whether the last attempt at an order that has ended was with the session's server: it may have
// gone on there.
func (s *Session) Had(ref wire.Ref) bool {
	rec := s.d.ledger.Peek(ref.Order)
	return rec != nil && rec.Terminal() && rec.Attempt == ref.Attempt && rec.Server == s.xid
}

// Credit is the number of orders the session would take now.
func (s *Session) Credit() int {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.credit
}

// Services is the number of services that the session would take now.
func (s *Session) Services() int {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.services
}

// Attach makes a session that is the server's newest, fences the one before, and compares the
// agent's journal with the records. The returned Welcome lacks HeartbeatMS and ConfigRevision. The
// caller sends it, then calls [Session.Open], and at the end [Session.Close]. After an error
// nothing remains.
func (d *Dispatcher) Attach(ctx context.Context, env string, s Peer, h *wire.Hello) (*Session, *wire.Welcome, error) {
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return nil, nil, &EndError{wire.CodeRetryLater, "the records are still being loaded", time.Second}
	}
	var epoch int64
	err := elected(ctx, d.StoreFailing, func() (err error) {
		epoch, err = d.presence.Claim(ctx, h.ServerXID)
		return err
	})
	if err != nil {
		d.presence.Refused(h.ServerXID)
		return nil, nil, err
	}
	session := &Session{d: d, peer: s, xid: h.ServerXID, env: env, epoch: epoch, journal: h.Journal, logs: d.logs.Writer(), credit: h.Slots, services: h.Services}
	d.mu.Lock()
	if old := d.sessions[session.xid]; old != nil && old.epoch > epoch {
		d.mu.Unlock()
		return nil, nil, &EndError{Code: wire.CodeFenced, Message: "a newer session of this server exists"}
	}
	d.sessions[session.xid] = session
	d.mu.Unlock()
	var w *wire.Welcome
	err = elected(ctx, d.StoreFailing, func() (err error) {
		w, err = session.reconcile(ctx, h)
		return err
	})
	if err == nil && !d.presence.Holds(session.xid, epoch) {
		err = &EndError{Code: wire.CodeFenced, Message: "a newer session of this server exists"}
	}
	if err != nil {
		session.Close()
		d.presence.Refused(session.xid)
		return nil, nil, fmt.Errorf("attaching server %q: %w", h.ServerXID, err)
	}
	return session, w, nil
}

// fence ends a session that is older than epoch.
func (d *Dispatcher) fence(xid wire.ServerXID, epoch int64) {
	s := d.session(xid)
	if s == nil || s.epoch >= epoch {
		return
	}
	s.Close()
	s.peer.End(wire.CodeFenced, "a newer session of this server took over", 0)
}

// Open lets orders go to the session.
func (s *Session) Open() {
	d := s.d
	d.mu.Lock()
	s.open = true
	if !s.closed {
		e := d.env(s.env)
		e.sessions[s] = struct{}{}
	}
	d.mu.Unlock()
	for _, rec := range d.ledger.Active(func(a ledger.Aged) bool { return a.Server == s.xid && !a.Cancel.IsZero() }) {
		s.cancel(rec.Record)
	}
	d.wake(s.env)
}

// Close removes the session. Its orders stay where the records say.
func (s *Session) Close() {
	d := s.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if d.sessions[s.xid] == s {
		delete(d.sessions, s.xid)
	}
	if e := d.envs[s.env]; e != nil {
		delete(e.sessions, s)
	}
	d.presence.Leave(s.xid, s.epoch)
}
