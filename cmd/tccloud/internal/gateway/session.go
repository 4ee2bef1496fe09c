package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/port"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// maxInbox is how many bytes an agent may be ahead of what is handled.
const maxInbox = 1 << 20

// session is one connected agent. It has one goroutine, which only waits for bytes, so that its stack
// stays small: thousands of them wait all day. Frames are read by a second one that exists while
// there is something to read, and decoded and handled, in order, by a third and written by a fourth
// of the same kind.
type session struct {
	g         *Gateway
	conn      *port.Conn
	orders    *dispatch.Session
	server    Server
	connected time.Time
	name      string // what it calls itself
	version   string
	os, arch  string
	host      twin.Host
	executors int

	mu          sync.Mutex
	in          [][]byte      // frames to be handled
	ahead       int           // their bytes
	handling    bool          // a goroutine works on it
	room        chan struct{} // closed when the reader may go on
	out         [][]byte      // frames to be written
	backlog     int           // their bytes
	writing     bool          // a goroutine works on it
	closed      bool          // nothing more may be queued for the agent
	discard     bool          // the session was ended here: nothing more is handled
	lastSent    time.Time
	pingSeq     int64
	pingAt      time.Time // of an unanswered ping
	rtt         time.Duration
	pongWaiters []*pongWaiter // those that wait for a pong
	clock       clock.Offset  // of the agent's host
	info        *wire.Info
	infoAt      time.Time
}

// run reads what there is, and leaves it to a goroutine of its own to wait for more: that needs half
// of the stack that crypto/tls does.
func (s *session) run(ctx context.Context) {
	if s.read(ctx) {
		s.end()
		return
	}
	s.g.conns.Go(func() {
		s.conn.Wait()
		s.g.conns.Go(func() { s.run(ctx) })
	})
}

// heard gives the agent time for its next message.
func (s *session) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed { // else the end has a deadline of its own
		_ = s.conn.Net.SetReadDeadline(time.Now().Add(s.g.cfg.Heartbeat * 5 / 2))
	}
}

// read reads until there is nothing to read now, or the session is over.
func (s *session) read(ctx context.Context) (over bool) {
	for !s.isClosed() {
		frame, err := s.conn.ReadFrame()
		switch {
		case err == nil:
			s.receive(ctx, frame)
			s.heard()
		case errors.Is(err, port.ErrIdle):
			return false
		case s.isClosed():
		case isTimeout(err):
			s.fail(err, &wire.Error{Code: wire.CodeHeartbeat, Message: "nothing was heard for 2.5 heartbeats"})
		case protocolError(err):
			s.fail(err, s.g.wireError(err))
		default:
			s.g.log.Info("session was lost", "server", s.server.XID, "epoch", s.orders.Epoch(), "err", err)
			_ = s.conn.Net.Close()
			return true
		}
	}
	return true
}

// end gives the agent a moment to read the last message, and removes the session.
func (s *session) end() {
	defer s.leave()
	defer s.conn.Messages.Close()
	// Closing now could cut off the last message. Its writer sets a new deadline for the other side
	// to close.
	s.mu.Lock()
	wait := port.LingerTime
	if s.writing {
		wait += conn.WriteTimeout
	}
	_ = s.conn.Net.SetReadDeadline(time.Now().Add(wait))
	s.mu.Unlock()
	_, _ = io.Copy(io.Discard, s.conn.Net)
}

// receive queues a frame to be handled, and waits while too much is queued.
func (s *session) receive(ctx context.Context, frame []byte) {
	s.mu.Lock()
	s.in = append(s.in, frame)
	s.ahead += len(frame)
	if !s.handling {
		s.handling = true
		s.g.conns.Go(func() { s.process(ctx) })
	}
	var room chan struct{}
	if s.ahead > maxInbox {
		room = make(chan struct{})
		s.room = room
	}
	s.mu.Unlock()
	if room != nil {
		<-room
	}
}

// process handles the frames that are queued, then returns. After the session was ended here no
// more are handled: the agent sends them again in the next one.
func (s *session) process(ctx context.Context) {
	for {
		s.mu.Lock()
		if s.discard {
			s.in, s.ahead = nil, 0
		}
		if s.room != nil && s.ahead <= maxInbox/2 {
			close(s.room)
			s.room = nil
		}
		if len(s.in) == 0 {
			s.in, s.handling = nil, false
			s.mu.Unlock()
			return
		}
		frame := s.in[0]
		s.in[0], s.in = nil, s.in[1:]
		s.ahead -= len(frame)
		s.mu.Unlock()
		m, err := wire.Decode(frame)
		if err == nil {
			err = s.handle(ctx, m)
		}
		if err != nil {
			s.fail(err, s.g.wireError(err))
		}
	}
}

// fail ends the session because of an error found here.
func (s *session) fail(err error, e *wire.Error) {
	s.g.log.Info("session was ended", "server", s.server.XID, "epoch", s.orders.Epoch(), "code", e.Code, "err", err)
	s.orders.Close()
	s.finish(e)
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// handle does what a message asks for.
func (s *session) handle(ctx context.Context, m wire.Message) error {
	switch m := m.(type) {
	case *wire.Ping:
		_ = s.Send(&wire.Pong{Seq: m.Seq, Clock: time.Now().UnixMilli()})
		s.compare(m.Clock, 0)
		return nil
	case *wire.Pong:
		s.mu.Lock()
		fresh := m.Seq == s.pingSeq && !s.pingAt.IsZero()
		if fresh {
			s.rtt, s.pingAt = time.Since(s.pingAt), time.Time{}
		}
		s.wakePongWaiters(m.Seq, false)
		rtt := s.rtt
		s.mu.Unlock()
		if fresh {
			s.compare(m.Clock, rtt)
		}
		return nil
	case *wire.Renew:
		_ = s.Send(s.renew(ctx, m))
		return nil
	case *wire.ServiceSaid:
		switch {
		case s.g.cfg.Services == nil:
		case s.orders.Has(m.Ref):
			return s.g.cfg.Services.Said(ctx, s.server.XID, s, m)
		case m.Seq > 0 && s.orders.Had(m.Ref):
			return s.g.cfg.Services.TooLate(ctx, s.server.XID, s, m)
		}
		return nil
	case *wire.Info:
		s.mu.Lock()
		was := s.info
		s.info, s.infoAt = m, time.Now()
		s.mu.Unlock()
		s.g.roster.Changed(s.server.XID)
		s.logFitness(was, m)
	}
	return s.orders.Handle(ctx, m)
}

// logFitness logs when the server stops taking orders, and when it goes on.
func (s *session) logFitness(was, now *wire.Info) {
	log := s.g.log.With("server", s.server.XID, "name", s.name)
	switch before := was != nil && was.Unfit != nil; {
	case now.Unfit != nil && (!before || was.Unfit.Code != now.Unfit.Code):
		log.Warn("server takes no orders: its host cannot run Apps now", "code", now.Unfit.Code, "err", now.Unfit.Message)
	case now.Unfit == nil && before:
		log.Info("server takes orders again")
	}
}

// renew answers a request for a new certificate; a refusal does not end the session.
func (s *session) renew(ctx context.Context, m *wire.Renew) *wire.Renewed {
	cert, err := s.g.cfg.Auth.Renew(ctx, s.server.XID, s.host, m)
	if err == nil {
		return &wire.Renewed{Certificate: cert.Raw}
	}
	s.g.log.Warn("client certificate was not renewed", "server", s.server.XID, "err", err)
	return &wire.Renewed{Problem: s.g.wireError(err).Message}
}

func (s *session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// leave removes the session from the gateway and the dispatcher.
func (s *session) leave() {
	s.mu.Lock()
	s.closed = true
	s.wakePongWaiters(0, true)
	s.mu.Unlock()
	s.orders.Close()
	if s.g.cfg.Services != nil {
		s.g.cfg.Services.Gone(s)
	}
	s.g.mu.Lock()
	if of := slices.DeleteFunc(s.g.sessions[s.server.XID], func(one *session) bool { return one == s }); len(of) > 0 {
		s.g.sessions[s.server.XID] = of
	} else {
		delete(s.g.sessions, s.server.XID)
	}
	s.g.mu.Unlock()
	s.g.roster.Changed(s.server.XID)
}

// beat sends a ping if nothing was sent for quiet.
func (s *session) beat(now time.Time, quiet time.Duration) {
	s.mu.Lock()
	due := !s.closed && now.Sub(s.lastSent) >= quiet
	if due {
		s.pingSeq++
		s.pingAt = now
	}
	seq := s.pingSeq
	s.mu.Unlock()
	if due {
		_ = s.Send(&wire.Ping{Seq: seq, Clock: now.UnixMilli()})
	}
}

// describe returns the session as people see it.
func (s *session) describe() roster.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return roster.Session{
		XID: s.server.XID, Environment: s.server.Environment, Name: s.name, Version: s.version, OS: s.os, Arch: s.arch, Host: s.host, Executors: s.executors,
		Epoch: s.orders.Epoch(), Gateway: s.g.cfg.Dispatcher.Gateway(), RemoteAddr: s.conn.Net.RemoteAddr().String(),
		Transport: s.conn.Transport, Connected: s.connected, RTT: s.rtt, Skew: s.clock.Skew, Credit: s.orders.Credit(), Services: s.orders.Services(), Info: s.info, InfoAt: s.infoAt,
	}
}
