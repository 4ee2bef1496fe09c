package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
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

// Transports: the values of Config.Transport (setting queueTransport) and State.Transport.
const (
	TransportRaw       = "raw" // also "" in Config
	TransportWebSocket = "websocket"
)

// ErrNotConnected means that there is no session (any more) to send a message in.
var ErrNotConnected = errors.New("not connected to the cloud")

// Dialer makes TCP connections; *proxy.Dialer is one. If it has a String method, [State.Proxy]
// shows the result.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Handler receives the cloud's messages. The reading goroutine calls its methods, one at a time:
// while one runs, nothing else is read.
type Handler interface {
	// OnWelcome opens a session; Send works from here on.
	OnWelcome(wire.Welcome)
	// OnMessage brings an order, start, recall, cancel, result_ack, service_send, service_taken,
	// control or renewed.
	OnMessage(wire.Message)
	// OnDisconnect says that the session which OnWelcome opened has ended. The error is a
	// *fault.Fault.
	OnDisconnect(error)
}

// Directory keeps the brokers that the cloud names.
type Directory interface {
	// Learn takes in what a session names; nothing is no news.
	Learn(brokers []string)
	// Brokers returns host:port of those that are to be tried.
	Brokers() []string
}

// Config is what a Link needs: Address, TLS, Hello and Handler.
type Config struct {
	// Address is the broker's host:port; without port it is DefaultPort. A cloud may have several
	// brokers, separated by commas: each connection is to any of them.
	Address string
	// Transport is "", "raw" or "websocket".
	Transport string
	// TLS returns the trusted roots and the client certificate; it is called for each connection.
	// Link sets ALPN, the minimum version and the server's name.
	TLS func() (*tls.Config, error)
	// Directory has the brokers that the cloud names itself, beside those of Address; nil = none.
	Directory Directory
	// Pinned is TLS for brokers that are known from Directory alone. It has to trust the CAs of this
	// cloud and no others: anybody in the connection may have named them. Needed with Directory.
	Pinned func() (*tls.Config, error)
	// Dialer reaches the broker; nil means a direct connection.
	Dialer Dialer
	// Hello returns the first message of a session. It is called for each connection, from Run.
	Hello func() wire.Hello
	// Handler receives the cloud's messages.
	Handler Handler
	// Logger records state changes; nil discards them.
	Logger *slog.Logger
}

// Link is the connection to the broker. Its methods may be called concurrently.
type Link struct {
	conf   Config
	log    *slog.Logger
	wake   chan struct{}
	watch  func(ctx context.Context, changed func()) error // of the network; nil in tests with fake time
	random func(n int64) int64                             // uniform in [0, n)
	pulse  pulse.Pulse                                     // of Run
	tried  chan struct{}                                   // closed when the first attempt has ended, well or not
	first  sync.Once

	brokers []*broker // used by Run alone
	rounds  int       // of brokers, all of which failed, since the last session; the same

	mu      sync.Mutex
	state   State
	session *session     // nil without one
	clock   clock.Offset // of the cloud
}

// New checks the settings in c and returns a Link that is not connected: [Link.Run] connects it.
func New(c Config) (*Link, error) {
	switch {
	case c.Transport == "":
		c.Transport = TransportRaw
	case c.Transport != TransportRaw && c.Transport != TransportWebSocket:
		return nil, fmt.Errorf("setting up the link: queueTransport is %q, want nothing, %q or %q", c.Transport, TransportRaw, TransportWebSocket)
	}
	brokers, err := parseBrokers(c.Address)
	if err != nil {
		return nil, err
	}
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
		conf: c, brokers: brokers, log: c.Logger, wake: make(chan struct{}, 1),
		watch: netwatch.Watch, random: rand.Int64N, tried: make(chan struct{}),
	}
	l.state = State{Since: time.Now(), Broker: brokers[0].addr, Transport: c.Transport, Proxy: proxyName(c.Dialer)}
	return l, nil
}

func proxyName(d Dialer) string {
	if s, ok := d.(fmt.Stringer); ok {
		return s.String()
	}
	return ""
}

// Send queues m in the current session. It returns ErrNotConnected if there is no session, or if
// the session ends while m waits for room. A nil error means that m is queued, not that it arrived.
// A wire.Log is queued behind all other messages and waits for room, so that a log file is read no
// faster than the network accepts it.
func (l *Link) Send(ctx context.Context, m wire.Message) error { return l.send(ctx, 0, m, false) }

// SendIn is [Link.Send] for a message that makes sense only in the session with the given epoch
// ([wire.Welcome.Epoch]).
func (l *Link) SendIn(ctx context.Context, epoch int64, m wire.Message) error {
	return l.send(ctx, epoch, m, false)
}

// SendLast is [Link.SendIn] behind all logs. It is for a result, which must not overtake the last
// pieces of its job's log.
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

// Late returns how long [Link.Run] has been stuck in a step that should have ended. It is 0 while
// Run makes progress; waiting for the next attempt counts as progress.
func (l *Link) Late() time.Duration { return l.pulse.Late() }

// Tried returns a channel that is closed when the first attempt to connect has ended, successfully
// or not.
func (l *Link) Tried() <-chan struct{} { return l.tried }

// Wake says that an attempt may succeed now, e.g. because the network changed. A waiting Link tries
// again at once, but never earlier than the cloud asked for; a connected one checks that its
// connection is alive.
func (l *Link) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Reconnect ends the session in an orderly way and opens a new one with what [Config.TLS] returns
// then. Without a session it does nothing.
func (l *Link) Reconnect() {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		s.leave()
	}
}
