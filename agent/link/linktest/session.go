package linktest

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// Session is one agent's connection. It answers pings itself, unless it is frozen, and
// [Session.Next] does not return them.
type Session struct {
	Hello     wire.Hello
	Transport string // "raw" or "websocket"
	Epoch     int64  // of the welcome

	broker *Broker
	conn   *conn.Conn
	valve  *valve
	tls    *tls.Conn

	messages chan wire.Message
	ended    chan struct{}
	err      error // why reading ended; after ended
}

func (s *Session) welcome(w wire.Welcome) error {
	b := s.broker
	if b.conf.Welcome != nil {
		w = b.conf.Welcome(s.Hello)
	}
	b.mu.Lock()
	if w.Epoch == 0 {
		w.Epoch = b.epoch + 1
	}
	b.epoch = max(b.epoch, w.Epoch)
	b.mu.Unlock()
	if w.HeartbeatMS == 0 {
		w.HeartbeatMS = b.conf.Heartbeat.Milliseconds()
	}
	if w.Environment == "" {
		w.Environment = b.conf.Environment
	}
	if w.ServerTime == 0 {
		w.ServerTime = time.Now().UnixMilli()
	}
	s.Epoch = w.Epoch
	return s.conn.Write(&w)
}

// Send sends a message to the agent.
func (s *Session) Send(tb testing.TB, m wire.Message) {
	tb.Helper()
	if err := s.conn.Write(m); err != nil {
		tb.Fatalf("sending %s: %v", m.Kind(), err)
	}
}

// Refuse sends an error and closes.
func (s *Session) Refuse(tb testing.TB, e wire.Error) {
	tb.Helper()
	s.Send(tb, &e)
	s.Close()
}

// Next waits for the agent's next message.
func (s *Session) Next(tb testing.TB) wire.Message {
	tb.Helper()
	select {
	case m := <-s.messages:
		return m
	case <-s.ended:
		select {
		case m := <-s.messages: // came before the end
			return m
		default:
			tb.Fatalf("waiting for a message: the session ended: %v", s.err)
		}
	case <-time.After(timeout):
		tb.Fatal("waiting for a message: none came")
	}
	return nil
}

// Expect waits for a message of type M and drops others before it.
func Expect[M wire.Message](tb testing.TB, s *Session) M {
	tb.Helper()
	for {
		if m, ok := s.Next(tb).(M); ok {
			return m
		}
	}
}

// Ended waits until the agent has closed the connection and returns the error of reading.
func (s *Session) Ended(tb testing.TB) error {
	tb.Helper()
	select {
	case <-s.ended:
		return s.err
	case <-time.After(timeout):
		tb.Fatal("the agent did not close the connection")
		return nil
	}
}

// Freeze makes the connection half-open: nothing is read or answered, and nothing is closed.
// [Session.Send] still works.
func (s *Session) Freeze() { s.valve.shut() }

// Close ends the connection in an orderly way, between two messages.
func (s *Session) Close() { _ = s.conn.Close() }

// CutMidFrame sends the first half of a message and then closes.
func (s *Session) CutMidFrame(tb testing.TB) {
	tb.Helper()
	half := []byte{0x82, 100, '{'} // WebSocket: binary, final, 100 bytes
	if s.Transport == "raw" {
		half = append(binary.BigEndian.AppendUint32(nil, 100), '{')
	}
	if _, err := s.tls.Write(half); err != nil {
		tb.Fatalf("cutting in mid-frame: %v", err)
	}
	_ = s.tls.Close()
}

// Garbage sends bytes that are no frame.
func (s *Session) Garbage(tb testing.TB, b []byte) {
	tb.Helper()
	if _, err := s.tls.Write(b); err != nil {
		tb.Fatalf("sending garbage: %v", err)
	}
}

// read collects the agent's messages.
func (s *Session) read(quit <-chan struct{}) {
	defer close(s.ended)
	for {
		m, err := s.conn.Read(time.Hour)
		if err != nil {
			s.err = err
			return
		}
		switch m := m.(type) {
		case *wire.Ping:
			_ = s.conn.Write(&wire.Pong{Seq: m.Seq})
		case *wire.Pong:
		default:
			select {
			case s.messages <- m:
			case <-quit:
				return
			}
		}
	}
}

// valve is a connection whose reading can be stopped.
type valve struct {
	net.Conn
	mu   sync.Mutex
	gate chan struct{} // not nil while shut
}

func (v *valve) Read(b []byte) (int, error) {
	n, err := v.Conn.Read(b)
	v.mu.Lock()
	gate := v.gate
	v.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return n, err
}

func (v *valve) Close() error {
	v.open()
	return v.Conn.Close()
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gate == nil {
		v.gate = make(chan struct{})
	}
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gate != nil {
		close(v.gate)
		v.gate = nil
	}
}
