package gateway

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway/port"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
)

const (
	// freeMemoryAfter is how many new sessions make it worthwhile to return memory to the system.
	freeMemoryAfter = 500
	// authAtOnce bounds how many hellos are worked on at the same time: each costs a durable write,
	// and a queue of them must not run into timeouts.
	authAtOnce = 32
)

// Gateway serves the broker's port. Create it with New.
type Gateway struct {
	cfg    Config
	log    *slog.Logger
	port   *port.Port
	roster *roster.Roster
	opened atomic.Int64  // sessions since the start
	auth   chan struct{} // one token for each hello that is being worked on
	conns  sync.WaitGroup

	mu       sync.Mutex
	sessions map[wire.ServerXID][]*session // of a server that comes back, for a moment, two
	stopping bool
}

// New binds the port; Run serves it.
func New(cfg Config) (*Gateway, error) {
	cfg.Addr = cmp.Or(cfg.Addr, ":62000")
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, 10*time.Second)
	cfg.HandshakeTimeout = cmp.Or(cfg.HandshakeTimeout, 10*time.Second)
	cfg.MaxPending = cmp.Or(cfg.MaxPending, 4096)
	cfg.ShedAfter = cmp.Or(cfg.ShedAfter, 30*time.Second)
	if cfg.HTTP == nil {
		cfg.HTTP = http.NotFoundHandler()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{
		cfg: cfg, log: cfg.Logger.With("component", "gateway"),
		auth: make(chan struct{}, authAtOnce), sessions: map[wire.ServerXID][]*session{},
	}
	conn := cfg.Dispatcher.Conn()
	if cfg.Dispatcher.Alone() {
		conn = nil
	}
	g.roster = roster.New(roster.Config{Gateway: cfg.Dispatcher.Gateway(), Conn: conn, Claims: cfg.Dispatcher, Here: g.sessionHere, AllHere: g.here})
	var err error
	g.port, err = port.Listen(port.Config{
		Listener: cfg.Listener, Addr: cfg.Addr, TLS: cfg.TLS, HTTP: cfg.HTTP,
		HandshakeTimeout: cfg.HandshakeTimeout, MaxPending: cfg.MaxPending, Logger: g.log,
	})
	if err != nil {
		return nil, fmt.Errorf("creating gateway: %w", err)
	}
	return g, nil
}

// Addr is the address the gateway listens on.
func (g *Gateway) Addr() net.Addr { return g.port.Addr() }

// Opened counts the sessions that this gateway has opened since its start.
func (g *Gateway) Opened() int64 { return g.opened.Load() }

// Run serves until ctx ends. Then it asks all agents to go away and to come back within a time that
// grows with their number, and returns when the connections are closed.
func (g *Gateway) Run(ctx context.Context) error {
	unsubscribe, err := g.listenToPeers()
	if err != nil {
		return fmt.Errorf("serving %s: %w", g.Addr(), err)
	}
	defer unsubscribe()
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.port.Serve(ctx, g.hello, g.farewell) })
	eg.Go(func() error { return g.heartbeats(ctx) })
	eg.Go(func() error { return g.roster.Run(ctx) })
	if !g.cfg.Dispatcher.Alone() {
		eg.Go(func() error { return g.balance(ctx) })
	}
	err = eg.Wait()
	g.conns.Wait()
	if err != nil {
		return fmt.Errorf("serving %s: %w", g.Addr(), err)
	}
	return nil
}

// heartbeats sends a ping to each agent to which nothing else was sent for a heartbeat, with one
// timer for all sessions.
func (g *Gateway) heartbeats(ctx context.Context) error {
	var seen, trimmed int64
	told := g.brokers()
	tick := time.NewTicker(g.cfg.Heartbeat / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		all := g.all()
		for _, s := range all {
			s.beat(now, g.cfg.Heartbeat*3/4)
		}
		if named := g.brokers(); !slices.Equal(named, told) {
			told = named
			g.tellBrokers(all, named)
		}
		// Thousands of handshakes use several times the memory that their sessions need: return it
		// when the rush is over.
		opened := g.opened.Load()
		if opened == seen && opened-trimmed >= freeMemoryAfter {
			debug.FreeOSMemory()
			trimmed = opened
		}
		seen = opened
	}
}

// brokers are those that agents are told.
func (g *Gateway) brokers() []string {
	if g.cfg.Brokers == nil {
		return nil
	}
	return g.cfg.Brokers()
}

// tellBrokers tells agents of other brokers than they were welcomed with. One whose queue is full
// learns of them in its next session.
func (g *Gateway) tellBrokers(all []*session, brokers []string) {
	if len(brokers) == 0 {
		return
	}
	g.log.Info("agents are told of other brokers", "brokers", strings.Join(brokers, ","), "agents", len(all))
	for _, s := range all {
		_ = s.Send(&wire.Control{Action: wire.ActionBrokers, Args: map[string]string{"brokers": strings.Join(brokers, ",")}})
	}
}

func (g *Gateway) all() []*session {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]*session, 0, len(g.sessions))
	for _, of := range g.sessions {
		out = append(out, of...)
	}
	return out
}

// farewell sends GoAway to all agents and ends each session when it is written.
func (g *Gateway) farewell() {
	g.mu.Lock()
	g.stopping = true
	g.mu.Unlock()
	all := g.all()
	within := window(len(all), g.cfg.Dispatcher.Lease())
	for _, s := range all {
		s.finish(&wire.GoAway{Code: wire.CodeShutdown, Message: "this gateway is shutting down", WindowMS: within.Milliseconds()})
	}
	deadline := time.Now().Add(2 * port.LingerTime)
	for len(g.all()) > 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	for _, s := range g.all() {
		s.conn.Net.Close()
	}
}
