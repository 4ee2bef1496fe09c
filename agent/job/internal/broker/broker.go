package broker

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"tcenvsvr/agent/job/internal/spec"
)

const (
	maxPacket    = spec.MaxServiceMessage + 512 // with its topic
	maxPending   = 8                            // connections that have not shown the token yet
	loginTimeout = 5 * time.Second              // for TLS and CONNECT
	writeTimeout = 10 * time.Second             // for an App that does not read
	maxQueued    = 4 << 20                      // bytes, and
	maxMessages  = 1024                         // messages that wait for the App
)

// Config of a Broker. The functions are called one at a time for one connection, in the order of what
// happens on it.
type Config struct {
	Said      string // the topic on which the App publishes
	Listens   string // the topic to which it subscribes
	Connected func(bool)
	// Message is called with what the App publishes. again: it is a repetition of a message whose
	// acknowledgement the App has not seen. ack: the App gets an acknowledgement when this returns.
	Message func(payload []byte, again, ack bool)
	// TooLarge is called when the App's connection is ended because of a packet that is too large.
	TooLarge func()
}

// Broker is ready for the App when New returns it.
type Broker struct {
	Config
	server   *mqtt.Server
	listener net.Listener
	tls      *tls.Config
	endpoint spec.Broker
	uid      int

	arrived chan net.Conn

	mu    sync.Mutex
	own   func() map[uint64]bool // see Started
	conns map[*conn]bool
	login []net.Conn   // that have not shown the token yet, the oldest first
	app   *conn        // which has shown the token
	to    *mqtt.Client // the App's, while it listens
	queue [][]byte
	bytes int
	wake  chan struct{}
	done  chan struct{}
}

// New opens a port and makes a key and a token for it.
func New(c Config) (*Broker, error) {
	certificate, ca, err := certificate()
	if err != nil {
		return nil, fmt.Errorf("making the broker's certificate: %w", err)
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the broker's port: %w", err)
	}
	b := &Broker{
		Config: c, listener: ln, uid: os.Geteuid(), conns: map[*conn]bool{},
		tls:  &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		wake: make(chan struct{}, 1), done: make(chan struct{}), arrived: make(chan net.Conn, maxArrived),
		endpoint: spec.Broker{Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, Token: rand.Text(), CA: ca},
	}
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumPacketSize = maxPacket
	capabilities.MaximumClientWritesPending = 1 // nothing goes that way
	capabilities.ReceiveMaximum, capabilities.MaximumInflight = 64, 64
	capabilities.TopicAliasMaximum, capabilities.RetainAvailable, capabilities.SharedSubAvailable = 0, 0, 0
	// Serve is not called: it would publish the state of the broker every second.
	b.server = mqtt.New(&mqtt.Options{Capabilities: capabilities, Logger: slog.New(slog.DiscardHandler)})
	if err := b.server.AddHook(&hook{b: b}, nil); err != nil {
		_ = ln.Close()
		return nil, err
	}
	go b.accept()
	go b.doorkeeper()
	go b.deliver()
	return b, nil
}

// Started says that the App runs: own are the numbers of its sockets as the kernel has them, nil if they cannot be
// known.
func (b *Broker) Started(own func() map[uint64]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own = own
}

// Endpoint is where and how the App connects.
func (b *Broker) Endpoint() spec.Broker { return b.endpoint }

// Close ends the port and the App's connection.
func (b *Broker) Close() {
	_ = b.listener.Close()
	close(b.done)
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		_ = c.raw.Close()
	}
	for _, c := range b.login {
		_ = c.Close()
	}
}

// serve is the life of one connection.
func (b *Broker) serve(raw net.Conn) {
	c := &conn{raw: raw}
	defer b.leave(c)
	_ = raw.SetDeadline(time.Now().Add(loginTimeout))
	ctx, cancel := context.WithTimeout(context.Background(), loginTimeout)
	defer cancel()
	t := tls.Server(raw, b.tls)
	if t.HandshakeContext(ctx) != nil {
		return
	}
	c.Conn = t
	b.talk(c)
}

// talk speaks MQTT until the connection ends.
func (b *Broker) talk(c *conn) {
	b.mu.Lock()
	b.conns[c] = true
	b.mu.Unlock()
	defer func() { _ = recover() }() // what a decoder does not stand ends the connection that brought it
	if err := b.server.EstablishConnection("", c); errors.Is(err, packets.ErrPacketTooLarge) && b.is(c) {
		b.TooLarge()
	}
}

// conn bounds how long a write takes. The library sets deadlines for both directions by the keepalive.
type conn struct {
	net.Conn
	raw    net.Conn     // below TLS
	client *mqtt.Client // the library's, once it has shown the token
}

func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *conn) Write(p []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.Conn.Write(p)
}

// admit makes c the App's connection if there is none.
func (b *Broker) admit(c *conn, client *mqtt.Client) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.app != nil {
		return false
	}
	b.app, c.client = c, client
	b.begun(c.raw)
	return true
}

func (b *Broker) is(c *conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.app == c
}

// leave forgets a connection.
func (b *Broker) leave(c *conn) {
	_ = c.raw.Close()
	if c.client != nil { // the library keeps those to whom it could not write CONNACK
		b.server.UnsubscribeClient(c.client)
		b.server.Clients.Delete(c.client.ID)
	}
	b.listens(c, nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun(c.raw)
	delete(b.conns, c)
	if b.app == c {
		b.app = nil
	}
}

// listens notes that the App listens with this client, or does not any more (nil).
func (b *Broker) listens(c *conn, to *mqtt.Client) {
	b.mu.Lock()
	changed := b.app == c && (b.to == nil) != (to == nil)
	if changed {
		b.to, b.queue, b.bytes = to, nil, 0
	}
	b.mu.Unlock()
	if changed {
		b.Connected(to != nil)
	}
}
