package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/netwatch"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/link/pulse"
	"tcenvsvr/agent/link/wire"
)

// DefaultPort is the broker's port where Config.Address names none.
const DefaultPort = "62000"

// Transports: the values of Config.Transport (setting queueTransport) and
// State.Transport.
const (
	TransportRaw       = "raw" // also "" in Config
	TransportWebSocket = "websocket"
)

// ErrNotConnected means that there is no session (any more) to send a
// message in.
var ErrNotConnected = errors.New("not connected to the cloud")

// Dialer makes TCP connections; *proxy.Dialer is one. Where it has a
// String method, that names the proxy in State.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Handler takes what the cloud says. Its methods are called one at a time,
// from the goroutine that reads: while one runs, nothing further is read.
type Handler interface {
	// OnWelcome opens a session; Send works from here on.
	OnWelcome(wire.Welcome)
	// OnMessage brings an order, start, recall, cancel, result_ack, control or renewed.
	OnMessage(wire.Message)
	// OnDisconnect ends the session that OnWelcome opened. The error is a
	// *fault.Fault.
	OnDisconnect(error)
}

// Config is what a Link needs.
type Config struct {
	// Address is the broker's host:port; without port it is DefaultPort.
	Address string
	// Transport is "", "raw" or "websocket".
	Transport string
	// TLS returns trusted roots and the client certificate, afresh for each
	// connection. Link sets ALPN, the lowest version and the server's name.
	TLS func() (*tls.Config, error)
	// Dialer reaches the broker; nil means a direct connection.
	Dialer Dialer
	// Hello returns the first message of a session. It is called for each
	// connection, from Run.
	Hello func() wire.Hello
	// Handler takes what comes.
	Handler Handler
	// Logger is for state changes; nil discards them.
	Logger *slog.Logger
}

// Link is the connection to the broker. Its methods may be called
// concurrently.
type Link struct {
	conf   Config
	host   string // of Address
	log    *slog.Logger
	wake   chan struct{}
	watch  func(ctx context.Context, changed func()) error // of the network; nil in tests with fake time
	random func(n int64) int64                             // uniform in [0, n)
	pulse  pulse.Pulse                                     // of Run
	tried  chan struct{}                                   // closed when the first attempt has ended, well or not
	first  sync.Once

	mu      sync.Mutex
	state   State
	session *session     // nil without one
	clock   clock.Offset // of the cloud
}

// New checks c. It does not connect: Run does.
func New(c Config) (*Link, error) {
	if c.Handler == nil {
		return nil, errors.New("setting up the link: Handler is required")
	}
	return newLink(c)
}

func newLink(c Config) (*Link, error) {
	switch {
	case c.Transport == "":
		c.Transport = TransportRaw
	case c.Transport != TransportRaw && c.Transport != TransportWebSocket:
		return nil, fmt.Errorf("setting up the link: queueTransport is %q, want nothing, %q or %q", c.Transport, TransportRaw, TransportWebSocket)
	}
	switch {
	case c.TLS == nil || c.Hello == nil:
		return nil, errors.New("setting up the link: TLS and Hello are required")
	case c.Address == "":
		return nil, errors.New("setting up the link: brokerHost is empty")
	}
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil { // no port
		host, port = strings.Trim(c.Address, "[]"), DefaultPort
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || host == "" || strings.ContainsAny(host, "/@ ") {
		return nil, fmt.Errorf("setting up the link: brokerHost %q is not a host or host:port", c.Address)
	}
	c.Address = net.JoinHostPort(host, port)
	if c.Dialer == nil {
		direct, err := proxy.New(proxy.Config{})
		if err != nil {
			return nil, err
		}
		c.Dialer = direct
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Link{
		conf: c, host: host, log: c.Logger, wake: make(chan struct{}, 1),
		watch: netwatch.Watch, random: rand.Int64N, tried: make(chan struct{}),
	}
	l.state = State{Since: time.Now(), Broker: c.Address, Transport: c.Transport, Proxy: proxyName(c.Dialer)}
	return l, nil
}

func proxyName(d Dialer) string {
	if s, ok := d.(fmt.Stringer); ok {
		return s.String()
	}
	return ""
}

// Send puts m into the current session. It returns ErrNotConnected at
// once where there is none or it ends while m waits for room. nil says that m is
// on its way, not that it arrived. A piece of a log goes behind all other messages and waits
// for room, so that whoever reads the log file reads no faster than the network takes it.
func (l *Link) Send(ctx context.Context, m wire.Message) error { return l.send(ctx, 0, m, false) }

// SendIn is Send for a message that makes sense only in the session with
// the given epoch (wire.Welcome.Epoch).
func (l *Link) SendIn(ctx context.Context, epoch int64, m wire.Message) error {
	return l.send(ctx, epoch, m, false)
}

// SendLast is SendIn behind all logs: for a result, which must not overtake
// the last pieces of its job's log.
func (l *Link) SendLast(ctx context.Context, epoch int64, m wire.Message) error {
	return l.send(ctx, epoch, m, true)
}

func (l *Link) send(ctx context.Context, epoch int64, m wire.Message, behindLogs bool) error {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s == nil || epoch != 0 && epoch != s.epoch {
		return ErrNotConnected
	}
	frame, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return s.queue.put(ctx, frame, behindLogs || m.Kind() == wire.KindLog)
}

// Late is how long Run has been stuck in a step that should have ended; 0
// while it makes progress, which waiting for the next attempt is.
func (l *Link) Late() time.Duration { return l.pulse.Late() }

// Tried is closed when the first attempt to connect has ended, well or not.
func (l *Link) Tried() <-chan struct{} { return l.tried }

// Wake says that the network changed or something else gives hope: a
// waiting Link tries again now (but never earlier than the cloud asked for), a
// connected one checks that the connection is alive.
func (l *Link) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Reconnect ends the session in an orderly way, for a new one that begins
// with what Config.TLS returns then. Without a session it does nothing.
func (l *Link) Reconnect() {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		s.leave()
	}
}
