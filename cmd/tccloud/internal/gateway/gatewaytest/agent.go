package gatewaytest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// Timeout is how long a test waits for what must come.
const Timeout = 15 * time.Second

// Agent is an agent's end of the link. Pings are answered by themselves.
type Agent struct {
	T       testing.TB
	XID     wire.ServerXID
	Conn    *conn.Conn
	Welcome *wire.Welcome
	in      chan wire.Message
	frozen  atomic.Bool
}

// Dialing changes how an agent connects.
type Dialing struct {
	WebSocket bool
	ALPN      []string // default: that of the transport; empty, not nil: none
	Cert      *tls.Certificate
	Hello     func(*wire.Hello)
}

// Dial connects and returns the transport, before hello.
func (c *Cloud) Dial(xid wire.ServerXID, d Dialing) (*conn.Conn, error) {
	return dial(c.T, c.CA, c.Gateway.Addr().String(), xid, d)
}

func dial(t testing.TB, ca *CA, addr string, xid wire.ServerXID, d Dialing) (*conn.Conn, error) {
	cfg := &tls.Config{RootCAs: ca.Pool, ServerName: "127.0.0.1", NextProtos: d.ALPN, MinVersion: tls.VersionTLS13}
	if d.Cert == nil {
		cert := ca.Issue(t, string(xid))
		d.Cert = &cert
	}
	if len(d.Cert.Certificate) > 0 {
		cfg.Certificates = []tls.Certificate{*d.Cert}
	}
	if d.WebSocket {
		if d.ALPN == nil {
			cfg.NextProtos = []string{wire.ALPNWebSocket}
		}
		ws := websocket.Dialer{TLSClientConfig: cfg, HandshakeTimeout: Timeout}
		s, resp, err := ws.Dial("wss://"+addr+wire.WebSocketPath, http.Header{})
		if resp != nil {
			_ = resp.Body.Close()
		}
		if err != nil {
			return nil, err
		}
		return conn.WebSocket(s), nil
	}
	if d.ALPN == nil {
		cfg.NextProtos = []string{wire.ALPN}
	}
	nc, err := tls.Dial("tcp", addr, cfg)
	if err != nil {
		return nil, err
	}
	return conn.Raw(nc), nil
}

// Join opens a session and returns the cloud's *wire.Error as an error.
func (c *Cloud) Join(xid wire.ServerXID, slots int, dialing ...Dialing) (*Agent, error) {
	return JoinAt(c.T, c.CA, c.Gateway.Addr().String(), xid, slots, dialing...)
}

// JoinAt is Join for a cloud in another process.
func JoinAt(t testing.TB, ca *CA, addr string, xid wire.ServerXID, slots int, dialing ...Dialing) (*Agent, error) {
	var d Dialing
	if len(dialing) > 0 {
		d = dialing[0]
	}
	cn, err := dial(t, ca, addr, xid, d)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { cn.Close() })
	h := &wire.Hello{
		Protocol: wire.Protocol, BrokerToken: "token-" + string(xid), ServerXID: xid, ServerName: string(xid),
		Version: "test", OS: "linux", Arch: "amd64", BootID: "boot", Slots: slots, Executors: slots,
	}
	if d.Hello != nil {
		d.Hello(h)
	}
	if err := cn.Write(h); err != nil {
		return nil, err
	}
	m, err := cn.Read(Timeout)
	if err != nil {
		return nil, err
	}
	if e, ok := m.(*wire.Error); ok {
		cn.Close()
		return nil, &Refusal{e}
	}
	w, ok := m.(*wire.Welcome)
	if !ok {
		return nil, fmt.Errorf("got %s instead of welcome", m.Kind())
	}
	a := &Agent{T: t, XID: xid, Conn: cn, Welcome: w, in: make(chan wire.Message, 4096)}
	go a.read()
	return a, nil
}

// Refusal is the cloud's Error as an error.
type Refusal struct{ Why *wire.Error }

// Error implements error.
func (r *Refusal) Error() string { return string(r.Why.Code) + ": " + r.Why.Message }

// Agent opens a session that must be accepted.
func (c *Cloud) Agent(xid wire.ServerXID, slots int, dialing ...Dialing) *Agent {
	c.T.Helper()
	a, err := c.Join(xid, slots, dialing...)
	if err != nil {
		c.T.Fatalf("joining as %q: %v", xid, err)
	}
	return a
}

func (a *Agent) read() {
	defer close(a.in)
	for {
		m, err := a.Conn.Read(time.Minute)
		if err != nil {
			return
		}
		if p, ok := m.(*wire.Ping); ok {
			if a.frozen.Load() {
				continue
			}
			_ = a.Conn.Write(&wire.Pong{Seq: p.Seq})
			continue
		}
		a.in <- m
		switch m.(type) {
		case *wire.Error, *wire.GoAway:
			a.Conn.Close()
		}
	}
}

// Send writes messages.
func (a *Agent) Send(ms ...wire.Message) {
	a.T.Helper()
	for _, m := range ms {
		if err := a.Conn.Write(m); err != nil {
			a.T.Fatalf("sending %s as %q: %v", m.Kind(), a.XID, err)
		}
	}
}

// Freeze ends its answers to pings, as if the host were gone.
func (a *Agent) Freeze() { a.frozen.Store(true) }

// Kill ends the connection without a word.
func (a *Agent) Kill() { a.Conn.Close() }

// Recv returns the next message, or an error when the session is over.
func (a *Agent) Recv() (wire.Message, error) {
	select {
	case m, ok := <-a.in:
		if !ok {
			return nil, errors.New("the session is over")
		}
		return m, nil
	case <-time.After(Timeout):
		return nil, errors.New("nothing came")
	}
}

// Expect returns the next message, which must be an M.
func Expect[M wire.Message](a *Agent) M {
	a.T.Helper()
	m, err := a.Recv()
	if err != nil {
		a.T.Fatalf("%q waiting for %T: %v", a.XID, *new(M), err)
	}
	got, ok := m.(M)
	if !ok {
		a.T.Fatalf("%q got %s %+v, want %T", a.XID, m.Kind(), m, *new(M))
	}
	return got
}

// Silent fails if a message comes within d. It can only miss one, never invent one.
func (a *Agent) Silent(d time.Duration) {
	a.T.Helper()
	select {
	case m, ok := <-a.in:
		if ok {
			a.T.Fatalf("%q got %s %+v, want nothing", a.XID, m.Kind(), m)
		}
	case <-time.After(d):
	}
}

// Result is a successful one.
func Result(r wire.Ref) *wire.Result {
	return &wire.Result{Ref: r, Outcome: wire.Succeeded, Message: "done"}
}
