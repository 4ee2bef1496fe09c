package link_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

var transports = map[string]func(*link.Config){"raw": func(*link.Config) {}, "websocket": websocket}

// Whatever ends a session, it has a name and the next session follows.
func TestSessionEnds(t *testing.T) {
	tests := map[string]struct {
		end  func(*testing.T, *linktest.Session)
		code fault.Code
		says string
	}{
		"closed in order":  {func(_ *testing.T, s *linktest.Session) { s.Close() }, "session.closed", "the cloud closed the connection"},
		"cut in mid-frame": {func(t *testing.T, s *linktest.Session) { s.CutMidFrame(t) }, "session.cut", ""},
		"half-open":        {func(_ *testing.T, s *linktest.Session) { s.Freeze() }, "session.heartbeat_lost", "nothing was heard from the cloud for 2.5 heartbeats"},
		"fenced": {func(t *testing.T, s *linktest.Session) {
			s.Refuse(t, wire.Error{Code: wire.CodeFenced, Message: "a newer session took over"})
		}, "session.fenced", "a newer session took over"},
		"revoked": {func(t *testing.T, s *linktest.Session) { s.Refuse(t, wire.Error{Code: wire.CodeRevoked}) }, "session.revoked", "the cloud gave no reason"},
		"garbage": {func(t *testing.T, s *linktest.Session) {
			s.Garbage(t, []byte("\x00\x00\x00\x05hello\x82\x05hello"))
		}, "session.protocol", ""},
		"out of turn": {func(t *testing.T, s *linktest.Session) { s.Send(t, &wire.Welcome{Epoch: 9, HeartbeatMS: 1000}) }, "session.protocol", `the cloud sent "welcome" out of turn`},
		"goaway": {func(t *testing.T, s *linktest.Session) {
			s.Send(t, &wire.GoAway{Code: wire.CodeShutdown, Message: "bye", WindowMS: 100})
			if err := s.Ended(t); !errors.Is(err, conn.ErrClosedByPeer) {
				t.Errorf("the agent left by %v", err)
			}
		}, "session.shutting_down", "bye"},
	}
	for name, tt := range tests {
		for transport, set := range transports {
			t.Run(name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				b := linktest.Start(t, linktest.Config{Heartbeat: 200 * time.Millisecond})
				a := start(t, b, set)
				first := b.Accept(t)
				if w := wait(t, a.welcomes); w.Epoch != 1 {
					t.Errorf("first epoch is %d", w.Epoch)
				}
				tt.end(t, first)
				if got := a.ended(t, tt.code); !strings.Contains(got, tt.says) {
					t.Errorf("got %q, want %q", got, tt.says)
				}
				second := b.Accept(t)
				wait(t, a.welcomes)
				roundTrip(t, a, second)
				if s := a.State(); s.Reconnects != 1 || !s.Connected || s.Failure.Code != tt.code {
					t.Errorf("state is %+v", s)
				}
			})
		}
	}
}

// An agent that wants a new session, for a new key, has lost nothing.
func TestReconnectIsNoLoss(t *testing.T) {
	for transport, set := range transports {
		t.Run(transport, func(t *testing.T) {
			b := linktest.Start(t, linktest.Config{})
			a := start(t, b, set)
			b.Accept(t)
			wait(t, a.welcomes)
			a.Reconnect()
			if got := a.ended(t, "session.closed"); got != "the agent connects anew, with what has changed" {
				t.Errorf("got %q", got)
			}
			b.Accept(t)
			wait(t, a.welcomes)
			if text := a.log.String(); strings.Contains(text, "level=WARN") || !strings.Contains(text, "connection to the cloud ended") {
				t.Error(text)
			}
		})
	}
}

// The cloud learns why an agent that does not understand it leaves.
func TestProtocolErrorIsSaid(t *testing.T) {
	b := linktest.Start(t, linktest.Config{})
	a := start(t, b)
	s := b.Accept(t)
	wait(t, a.welcomes)
	s.Garbage(t, []byte("\x00\x00\x00\x1c"+`{"kind":"dance","body":{ }} `))
	if e := linktest.Expect[*wire.Error](t, s); e.Code != wire.CodeProtocol || !strings.Contains(e.Message, "dance") {
		t.Errorf("got %+v", e)
	}
	a.ended(t, "session.protocol")
}

func TestNothingIsSentOutsideOfItsSession(t *testing.T) {
	b := linktest.Start(t, linktest.Config{Heartbeat: 200 * time.Millisecond})
	a := newAgent()
	tls := b.TLS(t)
	progress := &wire.Progress{Ref: wire.Ref{Order: "old", Attempt: 1}, State: wire.StateRunning}
	l, err := link.New(link.Config{Address: b.Address(), TLS: tls, Hello: hello, Handler: a})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Send(t.Context(), progress); !errors.Is(err, link.ErrNotConnected) {
		t.Errorf("before Run: %v", err)
	}

	a.run(t, link.Config{Address: b.Address(), TLS: tls, Hello: hello, Handler: a})
	first := b.Accept(t)
	w := wait(t, a.welcomes)
	first.Freeze()
	// Fill the first session until nothing more is taken.
	log := &wire.Log{Ref: progress.Ref, Stream: wire.Stdout, Data: make([]byte, wire.MaxLogChunk)}
	for {
		if err := a.Send(t.Context(), log); err != nil {
			if !errors.Is(err, link.ErrNotConnected) {
				t.Errorf("a waiting log ended by %v", err)
			}
			break
		}
	}
	a.ended(t, "session.heartbeat_lost")

	second := b.Accept(t)
	wait(t, a.welcomes)
	if err := a.SendIn(t.Context(), w.Epoch, progress); !errors.Is(err, link.ErrNotConnected) {
		t.Errorf("for the old session: %v", err)
	}
	if err := a.SendIn(t.Context(), second.Epoch, &wire.Credit{N: 7}); err != nil {
		t.Fatal(err)
	}
	if m, ok := second.Next(t).(*wire.Credit); !ok || m.N != 7 {
		t.Errorf("the new session begins with %v", m)
	}
}

// Invalid messages are the caller's error, at once.
func TestSendValidates(t *testing.T) {
	b := linktest.Start(t, linktest.Config{})
	a := start(t, b)
	b.Accept(t)
	wait(t, a.welcomes)
	if err := a.Send(t.Context(), &wire.Credit{N: -1}); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// What was sent before the agent stops still goes out.
func TestStopFlushes(t *testing.T) {
	for transport, set := range transports {
		t.Run(transport, func(t *testing.T) {
			b := linktest.Start(t, linktest.Config{})
			a := start(t, b, set)
			s := b.Accept(t)
			wait(t, a.welcomes)
			for n := range 100 {
				if err := a.Send(t.Context(), &wire.Credit{N: n + 1}); err != nil {
					t.Fatal(err)
				}
			}
			a.stop()
			for n := range 100 {
				if m := linktest.Expect[*wire.Credit](t, s); m.N != n+1 {
					t.Fatalf("message %d is %v", n, m)
				}
			}
		})
	}
}

// A result does not overtake the logs before it, and goes out at a stop as they do.
func TestLastWaitsBehindLogs(t *testing.T) {
	b := linktest.Start(t, linktest.Config{})
	a := start(t, b)
	s := b.Accept(t)
	w := wait(t, a.welcomes)
	ref := wire.Ref{Order: "o", Attempt: 1}
	for n := range 20 {
		if err := a.Send(t.Context(), &wire.Log{Ref: ref, Stream: wire.Stdout, Offset: int64(n), Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	result := &wire.Result{Ref: ref, Outcome: wire.Succeeded}
	if err := a.SendLast(t.Context(), w.Epoch+1, result); !errors.Is(err, link.ErrNotConnected) {
		t.Errorf("for another session: %v", err)
	}
	if err := a.SendLast(t.Context(), w.Epoch, result); err != nil {
		t.Fatal(err)
	}
	a.stop()
	for n := range 20 {
		if l, ok := s.Next(t).(*wire.Log); !ok || l.Offset != int64(n) {
			t.Fatalf("message %d is %+v", n, l)
		}
	}
	if m, ok := s.Next(t).(*wire.Result); !ok {
		t.Errorf("the last message is %v", m)
	}
}

func TestStopsWhereverItIs(t *testing.T) {
	tests := map[string]struct {
		conf  linktest.Config
		agent func(*link.Config)
		ready func(*testing.T, *linktest.Broker, *agent)
	}{
		"waiting": {agent: func(c *link.Config) { c.Address = closedPort(t) },
			ready: func(t *testing.T, _ *linktest.Broker, a *agent) { a.failure(t, fault.TCP, "tcp.refused") }},
		"hello": {conf: linktest.Config{Manual: true},
			ready: func(t *testing.T, b *linktest.Broker, _ *agent) { b.Accept(t) }},
		"session": {ready: func(t *testing.T, b *linktest.Broker, a *agent) { b.Accept(t); wait(t, a.welcomes) }},
		"frozen": {ready: func(t *testing.T, b *linktest.Broker, a *agent) {
			s := b.Accept(t)
			wait(t, a.welcomes)
			s.Freeze()
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // until the buffers are full
			defer cancel()
			log := &wire.Log{Ref: wire.Ref{Order: "o", Attempt: 1}, Stream: wire.Stdout, Data: make([]byte, wire.MaxLogChunk)}
			for a.Send(ctx, log) == nil {
			}
		}},
	}
	for name, tt := range tests {
		for transport, set := range transports {
			t.Run(name+"/"+transport, func(t *testing.T) {
				b := linktest.Start(t, tt.conf)
				a := start(t, b, set, func(c *link.Config) {
					if tt.agent != nil {
						tt.agent(c)
					}
				})
				tt.ready(t, b, a)
				a.stop()
				if a.State().Connected {
					t.Error("still connected")
				}
				b.Close()
				until(t, "no goroutine of ours", func() bool { return !strings.Contains(stacks(), "agent/link.(*Link)") })
			})
		}
	}
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// The cloud's wish when to come back is kept.
func TestRetryAfter(t *testing.T) {
	b := linktest.Start(t, linktest.Config{})
	b.Refuse(&wire.Error{Code: wire.CodeRetryLater, Message: "busy", RetryAfterMS: 3_600_000})
	a := start(t, b)
	f := a.failure(t, fault.Hello, "hello.retry_later")
	if s := a.State(); s.NextRetry.Sub(f.At) < time.Hour {
		t.Errorf("next retry in %v, the cloud asked for an hour", s.NextRetry.Sub(f.At))
	}
	a.Wake()
	if n := b.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestHeartbeatMeasuresRoundTrip(t *testing.T) {
	b := linktest.Start(t, linktest.Config{Heartbeat: 100 * time.Millisecond, Welcome: func(wire.Hello) wire.Welcome {
		return wire.Welcome{ServerTime: time.Now().Add(time.Hour).UnixMilli()}
	}})
	a := start(t, b)
	s := b.Accept(t)
	wait(t, a.welcomes)
	first := a.State().RTT
	until(t, "a round trip by ping", func() bool { return a.State().RTT != first })
	if got := a.State().Skew.Round(time.Minute); got != time.Hour {
		t.Errorf("skew is %v", got)
	}
	s.Send(t, &wire.Ping{Seq: 41}) // answered, and not shown to the handler
	roundTrip(t, a, s)
}

// A probe finds a dead connection long before its heartbeat would.
func TestWakeProbes(t *testing.T) {
	b := linktest.Start(t, linktest.Config{Heartbeat: 50 * time.Second})
	a := start(t, b)
	b.Accept(t)
	wait(t, a.welcomes)
	first := a.State().RTT
	a.Wake()
	until(t, "a ping", func() bool { return a.State().RTT != first })
	if !a.State().Connected {
		t.Error("the probe ended a healthy session")
	}
}

// The handler may send from within its methods, however much.
func TestHandlerSends(t *testing.T) {
	b := linktest.Start(t, linktest.Config{})
	a := newAgent()
	a.onMessage = func(m wire.Message) {
		for range 1000 {
			if err := a.Send(context.Background(), &wire.Credit{N: 1}); err != nil {
				t.Error(err)
			}
		}
	}
	a.run(t, link.Config{Address: b.Address(), TLS: b.TLS(t), Hello: hello, Handler: a})
	s := b.Accept(t)
	s.Send(t, order("o"))
	for range 1000 {
		linktest.Expect[*wire.Credit](t, s)
	}
}

func BenchmarkOrderToAccepted(b *testing.B) {
	for transport, set := range transports {
		b.Run(transport, func(b *testing.B) {
			br := linktest.Start(b, linktest.Config{})
			a := newAgent()
			a.onMessage = func(m wire.Message) { _ = a.Send(context.Background(), &wire.Accepted{Ref: m.(*wire.Order).Ref}) }
			conf := link.Config{Address: br.Address(), TLS: br.TLS(b), Hello: hello, Handler: a}
			set(&conf)
			l, err := link.New(conf)
			if err != nil {
				b.Fatal(err)
			}
			a.Link = l
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- l.Run(ctx) }()
			s := br.Accept(b)
			o := order("bench")
			for b.Loop() {
				s.Send(b, o)
				linktest.Expect[*wire.Accepted](b, s)
				<-a.messages
			}
			cancel()
			<-done
		})
	}
}
