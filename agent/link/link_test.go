package link_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

const token = "broker-token-2f9c"

// agent is a Link in use: it records what its handler is told.
type agent struct {
	*link.Link
	log       *logs
	welcomes  chan wire.Welcome
	messages  chan wire.Message
	ends      chan error
	stop      func() // ends Run and waits for it
	onMessage func(wire.Message)
}

func (a *agent) OnWelcome(w wire.Welcome) { a.welcomes <- w }
func (a *agent) OnDisconnect(err error)   { a.ends <- err }
func (a *agent) OnMessage(m wire.Message) {
	if a.onMessage != nil {
		a.onMessage(m)
	}
	a.messages <- m
}

// start runs a link to the broker; change may alter its configuration.
func start(t *testing.T, b *linktest.Broker, change ...func(*link.Config)) *agent {
	t.Helper()
	a := newAgent()
	conf := link.Config{
		Address: b.Address(), TLS: b.TLS(t), Hello: hello, Handler: a,
		Logger: slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&conf)
	}
	a.run(t, conf)
	return a
}

func newAgent() *agent {
	return &agent{
		log: &logs{}, welcomes: make(chan wire.Welcome, 64),
		messages: make(chan wire.Message, 4096), ends: make(chan error, 64),
	}
}

func (a *agent) run(t *testing.T, conf link.Config) {
	t.Helper()
	l, err := link.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	a.Link = l
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var once sync.Once
	a.stop = func() {
		once.Do(func() {
			cancel()
			if err := wait(t, done); err != nil {
				t.Errorf("Run returned %v", err)
			}
			if s := a.log.String(); strings.Contains(s, token) {
				t.Errorf("the log shows the token:\n%s", s)
			}
		})
	}
	t.Cleanup(a.stop)
}

func hello() wire.Hello {
	return wire.Hello{Protocol: wire.Protocol, BrokerToken: token, ServerXID: "xid-1", ServerName: "test", Slots: 2, Executors: 2}
}

func websocket(c *link.Config) { c.Transport = link.TransportWebSocket }

// wait receives within a time that only a failing test meets.
func wait[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		buf := make([]byte, 64<<10)
		t.Fatalf("nothing came\n%s", buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

// until polls a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// failure waits for a failure and checks its name, in state and log.
func (a *agent) failure(t *testing.T, step fault.Step, code fault.Code) *fault.Fault {
	t.Helper()
	until(t, "a failure", func() bool { return a.State().Failure != nil })
	s := a.State()
	if s.Failure.Code != code || s.Failure.Step != step {
		t.Fatalf("failure is %s/%s (%s), want %s/%s", s.Failure.Step, s.Failure.Code, s.Failure.Message, step, code)
	}
	if s.Connected || s.Failure.Hint == "" || s.Failure.Message == "" {
		t.Errorf("state is %+v, want a hint and a message: %+v", s, s.Failure)
	}
	until(t, "the code in the log", func() bool { return strings.Contains(a.log.String(), "fault.code="+string(code)) })
	return s.Failure
}

// ended waits for the end of the session, checks its code, and returns what is said of it.
func (a *agent) ended(t *testing.T, code fault.Code) string {
	t.Helper()
	f, ok := errors.AsType[*fault.Fault](wait(t, a.ends))
	if !ok || f.Code != code {
		t.Fatalf("the session ended by %v, want %s", f, code)
	}
	return f.Message
}

// logs collects a log.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func order(id wire.OrderID) *wire.Order {
	return &wire.Order{
		Ref: wire.Ref{Order: id, Attempt: 1}, Runtime: wire.RuntimeJob, TimeoutMS: 60_000,
		App: wire.AppRef{Name: "app", Version: "1.0.0", Size: 1, SHA256: wire.SHA256(strings.Repeat("0", 64))},
	}
}

// roundTrip sends an order and takes its acceptance.
func roundTrip(t *testing.T, a *agent, s *linktest.Session) {
	t.Helper()
	s.Send(t, order("round-trip"))
	m := wait(t, a.messages).(*wire.Order)
	if err := a.Send(t.Context(), &wire.Accepted{Ref: m.Ref}); err != nil {
		t.Fatal(err)
	}
	if got := linktest.Expect[*wire.Accepted](t, s); got.Ref != m.Ref {
		t.Errorf("got %v, want %v", got.Ref, m.Ref)
	}
}

func TestNew(t *testing.T) {
	noTLS := func() (*tls.Config, error) { return nil, nil }
	valid := link.Config{Address: "broker.example.com", TLS: noTLS, Hello: hello, Handler: newAgent()}
	l, err := link.New(valid)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.State(); got.Broker != "broker.example.com:62000" || got.Transport != "raw" || got.Connected {
		t.Errorf("state is %+v", got)
	}
	for name, tt := range map[string]struct{ address, transport, want string }{
		"no address":   {"", "", `brokerHost "" is not a host or host:port`},
		"a URL":        {"https://broker.example.com", "", `brokerHost "https://broker.example.com" is not a host or host:port`},
		"no port":      {"broker.example.com:0x1", "", "is not a host or host:port"},
		"many brokers": {strings.Repeat("b,", 16) + "b", "", "setting up the link: brokerHost names 17 brokers, at most 16 are possible"},
		"transport":    {"broker.example.com", "quic", `queueTransport is "quic", want nothing, "raw" or "websocket"`},
	} {
		conf := valid
		conf.Address, conf.Transport = tt.address, tt.transport
		if _, err := link.New(conf); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}
