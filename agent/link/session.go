package link

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
)

const (
	// helloTimeout bounds the wait for the welcome.
	helloTimeout = 15 * time.Second
	// reasonTimeout bounds the wait for the other side's reason after writing has failed, and for
	// ours to be sent before we close.
	reasonTimeout = time.Second
	// probeTimeout is how soon something must be heard after Wake.
	probeTimeout = 10 * time.Second
)

// session is one connection after its welcome.
type session struct {
	epoch   int64
	conn    *conn.Conn
	queue   *queue
	writer  *writer
	idle    time.Duration // silence that ends the session
	leaving sync.Once
	left    atomic.Bool // we ended it
	broken  atomic.Bool // writing failed

	away *goaway // set and read by the reading goroutine, and after it
}

// goaway is the cloud's request to reconnect at a certain moment.
type goaway struct {
	fault *fault.Fault
	until time.Time
	timer *time.Timer
}

// ended says how an attempt ended, for the plan of the next one.
type ended struct {
	fault  *fault.Fault
	lasted time.Duration // of the session, 0 without one
	wait   time.Duration // earliest next attempt, as the cloud asked
	exact  bool          // wait is random already
	own    bool          // it ended for a new one, as we wanted
}

// greet sends hello and reads welcome.
func (l *Link) greet(c *conn.Conn) (*wire.Welcome, time.Duration, *ended) {
	hello := l.conf.Hello()
	m, took, end := exchange(c, &hello)
	if end != nil {
		return nil, 0, end
	}
	if w, ok := m.(*wire.Welcome); ok {
		return w, took, nil
	}
	return nil, 0, refused(fault.Hello, m)
}

// exchange sends hello and reads the answer to it.
func exchange(c *conn.Conn, hello *wire.Hello) (wire.Message, time.Duration, *ended) {
	start := time.Now()
	hello.Clock = start.UnixMilli()
	if err := c.Write(hello); err != nil {
		if errors.Is(err, wire.ErrInvalid) || errors.Is(err, wire.ErrFrameTooLarge) {
			return nil, 0, &ended{fault: fault.New(fault.Hello, "hello.invalid", err, "%v", err)}
		}
		// The other side may have sent its reason before it closed.
		if m, readErr := c.Read(reasonTimeout); readErr == nil {
			return nil, 0, refused(fault.Hello, m)
		} else if f := fault.Reading(fault.Hello, readErr); f.Step == fault.TLS {
			return nil, 0, &ended{fault: f}
		}
		return nil, 0, &ended{fault: fault.Reading(fault.Hello, err)}
	}
	m, err := c.Read(helloTimeout)
	if err != nil {
		return nil, 0, &ended{fault: fault.Reading(fault.Hello, err)}
	}
	return m, time.Since(start), nil
}

// refused is the end by a message that is not what was expected.
func refused(step fault.Step, m wire.Message) *ended {
	switch m := m.(type) {
	case *wire.Error:
		return &ended{fault: fault.Refused(step, m), wait: ms(m.RetryAfterMS), exact: m.Exact}
	case *wire.GoAway:
		e := &wire.Error{Code: m.Code, Message: m.Message}
		return &ended{fault: fault.Refused(step, e), wait: ms(m.WindowMS)}
	}
	return &ended{fault: fault.New(step, fault.Code(step)+".protocol", nil, "the cloud sent %q out of turn", string(m.Kind()))}
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// serve runs one session of b from hello to its end. It closes c.
func (l *Link) serve(ctx context.Context, c *conn.Conn, b *broker) *ended {
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	w, rtt, end := l.greet(c)
	if !stop() || end != nil {
		return end
	}

	q := newQueue()
	heartbeat := ms(w.HeartbeatMS)
	s := &session{
		epoch: w.Epoch, conn: c, queue: q, idle: heartbeat * 5 / 2,
		writer: &writer{q: q, out: c, heartbeat: heartbeat},
	}
	var writeErr error
	written := make(chan struct{})
	go func() {
		defer close(written)
		if writeErr = s.writer.run(); writeErr != nil {
			s.broken.Store(true)
			c.Expect(reasonTimeout) // the reader may learn why
			return
		}
		_ = c.Close() // after leave
	}()
	stop = context.AfterFunc(ctx, s.leave)

	opened := time.Now()
	b.failed, l.rounds = time.Time{}, 0
	l.opened(s, w, rtt)
	l.first.Do(func() { close(l.tried) })
	l.conf.Handler.OnWelcome(*w)
	if l.conf.Directory != nil {
		l.conf.Directory.Learn(w.Brokers)
	}
	end = l.read(s)
	broken := s.broken.Load()

	stop()
	l.closed(s)
	if s.away != nil {
		s.away.timer.Stop()
	}
	if end.fault.Code == "session.protocol" { // say why before closing
		q.sendOwn(&wire.Error{Code: wire.CodeProtocol, Message: end.fault.Message})
		s.leave()
		<-written
	}
	close(q.quit)
	_ = c.Close()
	<-written
	if broken && end.fault.Code == "session.heartbeat_lost" { // the reader gave up because the writer had
		end.fault = fault.New(fault.Session, "session.write", writeErr, "writing: %v", writeErr)
	}
	s.explain(ctx, end)
	end.lasted = max(time.Since(opened), 1)
	l.conf.Handler.OnDisconnect(end.fault)
	return end
}

// explain replaces the reason of end by what the cloud had announced, or by what we did, where the
// error of the connection alone tells nothing.
func (s *session) explain(ctx context.Context, end *ended) {
	switch {
	case ctx.Err() != nil:
		end.fault = fault.New(fault.Session, "session.closed", ctx.Err(), "the agent stops")
	case s.away == nil && s.left.Load() && (end.fault.Code == "session.closed" || end.fault.Code == "session.cut"):
		end.fault, end.own = fault.New(fault.Session, "session.closed", nil, "the agent connects anew, with what has changed"), true
	case s.away != nil:
		if s.left.Load() || end.fault.Code == "session.closed" || end.fault.Code == "session.cut" {
			end.fault = s.away.fault
		}
		end.wait, end.exact = max(time.Until(s.away.until), 0), true
	}
}

// leave ends the session after what waits in the lanes is written.
func (s *session) leave() {
	s.leaving.Do(func() {
		s.left.Store(true)
		close(s.queue.leave)
		time.AfterFunc(reasonTimeout, func() { _ = s.conn.Close() })
	})
}

// read passes the cloud's messages on until the session ends.
func (l *Link) read(s *session) *ended {
	for {
		l.pulse.Within(s.idle + margin)
		m, err := s.conn.Read(s.idle)
		l.pulse.Within(handling)
		if err != nil {
			return &ended{fault: fault.Reading(fault.Session, err)}
		}
		switch m := m.(type) {
		case *wire.Ping:
			s.queue.sendOwn(&wire.Pong{Seq: m.Seq, Clock: time.Now().UnixMilli()})
			l.compare(m.Clock, 0)
		case *wire.Pong:
			if rtt, ok := s.writer.pong(m.Seq); ok {
				l.measured(rtt)
				l.compare(m.Clock, rtt)
			}
		case *wire.GoAway:
			l.goAway(s, m)
		case *wire.Order, *wire.Start, *wire.Recall, *wire.Cancel, *wire.ResultAck, *wire.Control, *wire.Renewed,
			*wire.ServiceSend, *wire.ServiceTaken:
			l.conf.Handler.OnMessage(m)
		default: // wire.Error, or what the cloud must not send
			return refused(fault.Session, m)
		}
	}
}

// goAway plans the end of the session at a random moment of the cloud's window.
func (l *Link) goAway(s *session, m *wire.GoAway) {
	if s.away != nil {
		return
	}
	after := time.Duration(l.random(int64(ms(m.WindowMS)) + 1))
	s.away = &goaway{
		fault: fault.Refused(fault.Session, &wire.Error{Code: m.Code, Message: m.Message}),
		until: time.Now().Add(after),
		timer: time.AfterFunc(after, s.leave),
	}
	l.log.Info("the cloud asked to connect anew", "code", m.Code, "message", plain.Line(m.Message), "leaving_in", after.Round(time.Millisecond))
}

// probe checks that the connection is alive.
func (s *session) probe() {
	select {
	case s.queue.probe <- struct{}{}:
		s.conn.Expect(min(probeTimeout, s.idle))
	default:
	}
}
