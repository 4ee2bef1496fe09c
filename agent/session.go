package agent

import (
	"context"
	"sync"

	"tcenvsvr/agent/link/wire"
)

// session is one connection from welcome to its loss.
type session struct {
	epoch   int64
	offsets map[logKey]int64
	done    chan struct{} // closed when the session is lost
}

type logKey struct {
	ref    wire.Ref
	stream wire.Stream
}

// sessions knows the current one and lets others wait for it.
type sessions struct {
	mu      sync.Mutex
	now     *session
	changed chan struct{}
}

func (s *sessions) current() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *sessions) set(next *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil {
		close(s.now.done)
	}
	s.now = next
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// wait returns the current session, waiting for one; nil when ctx ends.
func (s *sessions) wait(ctx context.Context) *session {
	for {
		s.mu.Lock()
		now := s.now
		if now == nil && s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if now != nil {
			return now
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// Hello describes this server for a new session.
func (a *Agent) Hello() wire.Hello {
	limits, _ := a.current()
	h := wire.Hello{
		Protocol: wire.Protocol, BrokerToken: a.Identity.BrokerToken,
		ServerXID: a.Identity.ServerXID, ServerName: a.Identity.ServerName,
		Version: a.Identity.Version, OS: a.Identity.OS, Arch: a.Identity.Arch,
		MachineID: a.Identity.MachineID, Hostname: a.Identity.Hostname,
		BootID: a.Host.BootID(), Journal: a.Journal.Name(a.Host.BootID()), Executors: limits.Executors,
	}
	a.joining.Lock()
	defer a.joining.Unlock()
	a.hellos++
	for _, e := range a.Journal.Entries() {
		switch {
		case len(h.Orders)+len(h.Results) == wire.MaxHelloRefs:
		case e.Result != nil:
			h.Results = append(h.Results, e.Order.Ref)
		default:
			h.Orders = append(h.Orders, wire.InFlight{Ref: e.Order.Ref, State: e.State})
		}
	}
	a.mu.Lock()
	h.Slots = a.free()
	a.credit = h.Slots
	a.mu.Unlock()
	return h
}

// OnWelcome opens a session.
func (a *Agent) OnWelcome(w wire.Welcome) {
	s := &session{epoch: w.Epoch, offsets: map[logKey]int64{}, done: make(chan struct{})}
	for _, l := range w.Logs {
		s.offsets[logKey{l.Ref, l.Stream}] = l.Offset
	}
	for _, ref := range w.Fenced {
		a.fence(ref)
	}
	a.session.set(s)
	a.grant()
	if a.fitness.Problem() != nil {
		a.tellInfo()
	}
}

// OnDisconnect closes the session.
func (a *Agent) OnDisconnect(error) { a.session.set(nil) }

// fence ends an order that is not this server's any more.
func (a *Agent) fence(ref wire.Ref) {
	a.Logger.Warn("order was fenced: the cloud has given it to another attempt or closed it", "order", ref.String())
	if o := a.find(ref); o != nil {
		o.end(errFenced)
		return
	}
	a.forgetSoon(ref)
}

// forgetSoon is forget for who must not wait for the disk: the reader of a session.
func (a *Agent) forgetSoon(ref wire.Ref) {
	a.group.Go(func() error { a.forget(ref); return nil })
}

func (a *Agent) forget(ref wire.Ref) {
	if err := a.Journal.Forget(ref); err != nil {
		a.Logger.Error("journal does not forget an order", "order", ref.String(), "err", err)
	}
}
