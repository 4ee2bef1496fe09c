package linktest

import (
	"bufio"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// timeout bounds every wait; only a failing test reaches it.
const timeout = 20 * time.Second

// Config of a broker. The zero value accepts any agent.
type Config struct {
	Token       string        // brokerToken wanted; "" accepts any
	Heartbeat   time.Duration // of the welcome; 0 = 5 s
	Environment string        // of the welcome; "" = "test"
	// Welcome is what the welcome is made from: Fenced, Logs, ServerTime …. Epoch, Heartbeat and
	// Environment are filled in where they are zero.
	Welcome func(wire.Hello) wire.Welcome
	// Manual leaves the welcome to the test: Session.Welcome or Refuse.
	Manual bool
	// TLS may change the server's configuration, e.g. its certificate.
	TLS func(*tls.Config)
	// NoALPN negotiates no protocol, as behind an inspecting proxy.
	NoALPN bool
}

// Broker is a running broker.
type Broker struct {
	CA   *CA
	conf Config
	l    net.Listener
	srv  *tls.Config

	sessions chan *Session
	quit     chan struct{}
	wg       sync.WaitGroup

	mu     sync.Mutex
	epoch  int64
	refuse *wire.Error
	conns  map[net.Conn]bool
	seen   int
}

// Start runs a broker until the test ends.
func Start(tb testing.TB, c Config) *Broker {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 5 * time.Second
	}
	if c.Environment == "" {
		c.Environment = "test"
	}
	ca := NewCA(tb, "linktest CA")
	b := &Broker{
		CA: ca, conf: c, l: l,
		sessions: make(chan *Session, 64), quit: make(chan struct{}), conns: map[net.Conn]bool{},
		srv: &tls.Config{
			Certificates: []tls.Certificate{ca.Issue(tb, "127.0.0.1", "localhost", "broker.test")},
			ClientCAs:    ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
			MinVersion: tls.VersionTLS12, NextProtos: []string{wire.ALPN, wire.ALPNWebSocket},
		},
	}
	if c.NoALPN {
		b.srv.NextProtos = nil
	}
	if c.TLS != nil {
		c.TLS(b.srv)
	}
	b.wg.Go(b.accept)
	tb.Cleanup(b.Close)
	return b
}

// Address is host:port, by IP address.
func (b *Broker) Address() string { return b.l.Addr().String() }

// Port is the listening port, for addresses by name.
func (b *Broker) Port() string {
	_, port, _ := net.SplitHostPort(b.Address())
	return port
}

// TLS is what an agent with a fresh bundle has: the CA and a client certificate.
func (b *Broker) TLS(tb testing.TB) func() (*tls.Config, error) {
	tb.Helper()
	conf := &tls.Config{RootCAs: b.CA.Pool(), Certificates: []tls.Certificate{b.CA.Issue(tb, "agent")}}
	return func() (*tls.Config, error) { return conf, nil }
}

// Refuse makes the broker answer every hello with e from now on; nil ends that.
func (b *Broker) Refuse(e *wire.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = e
}

// Connections counts TCP connections so far.
func (b *Broker) Connections() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

// Accept waits for the next agent whose hello was accepted.
func (b *Broker) Accept(tb testing.TB) *Session {
	tb.Helper()
	select {
	case s := <-b.sessions:
		return s
	case <-time.After(timeout):
		tb.Fatal("no agent connected")
		return nil
	}
}

// Close ends the broker and all connections. It is called at the test's end.
func (b *Broker) Close() {
	b.mu.Lock()
	select {
	case <-b.quit:
	default:
		close(b.quit)
	}
	for c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	_ = b.l.Close()
	b.wg.Wait()
}

func (b *Broker) accept() {
	for {
		c, err := b.l.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.seen++
		select {
		case <-b.quit:
			_ = c.Close()
		default:
			v := &valve{Conn: c}
			b.conns[v] = true
			b.wg.Go(func() { b.serve(v) })
		}
		b.mu.Unlock()
	}
}

// serve handles one connection up to the hello and then reads it.
func (b *Broker) serve(nc *valve) {
	defer func() {
		_ = nc.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.conns, nc)
	}()
	tc := tls.Server(nc, b.srv)
	if tc.Handshake() != nil {
		_ = tc.Close()
		return
	}
	defer func() { _ = tc.Close() }()
	c, transport, err := sniff(tc)
	if err != nil {
		return
	}
	m, err := c.Read(timeout)
	if err != nil {
		return
	}
	hello, ok := m.(*wire.Hello)
	if !ok {
		_ = c.Write(&wire.Error{Code: wire.CodeProtocol, Message: "want hello first"})
		return
	}
	if e := b.refusal(hello); e != nil {
		_ = c.Write(e)
		return
	}
	if hello.Probe {
		_ = c.Write(&wire.Probed{Environment: b.conf.Environment, ServerTime: time.Now().UnixMilli()})
		return
	}
	s := &Session{
		Hello: *hello, Transport: transport, broker: b, conn: c, valve: nc, tls: tc,
		messages: make(chan wire.Message, 4096), ended: make(chan struct{}),
	}
	if !b.conf.Manual && s.welcome(wire.Welcome{}) != nil {
		return
	}
	b.sessions <- s
	s.read(b.quit)
}

func (b *Broker) refusal(h *wire.Hello) *wire.Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.refuse != nil:
		return b.refuse
	case b.conf.Token != "" && h.BrokerToken != b.conf.Token:
		return &wire.Error{Code: wire.CodeBadToken, Message: "the token does not match"}
	}
	return nil
}

// sniff finds the transport: by ALPN, else by the first bytes.
func sniff(tc *tls.Conn) (*conn.Conn, string, error) {
	br := bufio.NewReader(tc)
	first, err := br.Peek(4)
	if err != nil {
		return nil, "", err
	}
	proto := tc.ConnectionState().NegotiatedProtocol
	if proto == wire.ALPNWebSocket || proto == "" && strings.HasPrefix(string(first), "GET ") {
		c, err := upgrade(tc, br)
		return c, "websocket", err
	}
	return conn.Raw(&buffered{tc, br}), "raw", nil
}

// buffered reads first what sniff has peeked at.
type buffered struct {
	net.Conn
	br *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.br.Read(p) }
