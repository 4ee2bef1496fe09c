package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
)

const (
	// shakesAtOnce bounds the TLS handshakes under way, and waitForPlace how
	// long a connection waits for its turn: less than agents wait for its end.
	shakesAtOnce = 128
	waitForPlace = 8 * time.Second
	// trimAfter is how many new sessions make it worth while to give memory back.
	trimAfter = 500
	// authAtOnce bounds how many hellos are worked on at the same time: each
	// costs a durable write, and a queue of them must not run into timeouts.
	authAtOnce = 32
	// lingerFor is how long a connection is kept after its last message, so
	// that the peer can read it: closing with unread data would cut it off.
	lingerFor = time.Second
)

// Gateway serves the broker's port. Create it with New.
type Gateway struct {
	cfg     Config
	log     *slog.Logger
	tls     *tls.Config
	ln      net.Listener
	web     *handoff
	pending atomic.Int64
	opened  atomic.Int64  // sessions since the start
	shake   chan struct{} // a place for each TLS handshake
	auth    chan struct{} // a place for each hello being worked on
	conns   sync.WaitGroup

	mu       sync.Mutex
	sessions map[*session]struct{}
	stopping bool
}

// New binds the port; Run serves it.
func New(cfg Config) (*Gateway, error) {
	if cfg.TLS == nil || cfg.Auth == nil || cfg.Referee == nil || cfg.Dispatcher == nil {
		return nil, errors.New("creating gateway: TLS, Auth, Referee and Dispatcher are required")
	}
	cfg.Addr = cmp.Or(cfg.Addr, ":62000")
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, 10*time.Second)
	cfg.HandshakeTimeout = cmp.Or(cfg.HandshakeTimeout, 10*time.Second)
	cfg.MaxPending = cmp.Or(cfg.MaxPending, 4096)
	cfg.GoAwayWindow = cmp.Or(cfg.GoAwayWindow, 5*time.Second)
	if cfg.HTTP == nil {
		cfg.HTTP = http.NotFoundHandler()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	t := cfg.TLS.Clone()
	t.MinVersion = tls.VersionTLS13
	t.NextProtos = []string{wire.ALPN, wire.ALPNWebSocket}
	// Certificates are verified after hello, so that the agent is told
	// what is wrong by name. No CAs are announced: an agent with a foreign one shall
	// show it rather than hold it back.
	t.ClientAuth, t.ClientCAs = tls.RequestClientCert, nil
	g := &Gateway{
		cfg: cfg, log: cfg.Logger.With("component", "gateway"), tls: t, ln: cfg.Listener,
		shake: make(chan struct{}, shakesAtOnce), auth: make(chan struct{}, authAtOnce), sessions: map[*session]struct{}{},
	}
	if g.ln == nil {
		var err error
		if g.ln, err = net.Listen("tcp", cfg.Addr); err != nil {
			return nil, fmt.Errorf("creating gateway: %w", err)
		}
	}
	g.web = &handoff{addr: g.ln.Addr(), conns: make(chan net.Conn), done: make(chan struct{})}
	return g, nil
}

// Addr is the address the gateway listens on.
func (g *Gateway) Addr() net.Addr { return g.ln.Addr() }

// Run serves until ctx ends, then asks all agents to go away and to come
// back within the window, and returns when the connections are closed.
func (g *Gateway) Run(ctx context.Context) error {
	unsubscribe, err := g.listenToPeers()
	if err != nil {
		return fmt.Errorf("serving %s: %w", g.Addr(), err)
	}
	defer unsubscribe()
	// Connections outlive ctx until they have been told.
	live, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	web := g.webServer(live)
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.accept(ctx, live) })
	eg.Go(func() error { return g.heartbeats(ctx) })
	eg.Go(func() error {
		if err := web.Serve(g.web); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	eg.Go(func() error {
		<-ctx.Done()
		g.ln.Close()
		g.farewell()
		_ = g.web.Close()
		_ = web.Close()
		kill()
		return nil
	})
	err = eg.Wait()
	g.conns.Wait()
	if err != nil {
		return fmt.Errorf("serving %s: %w", g.Addr(), err)
	}
	return nil
}

func (g *Gateway) accept(ctx, live context.Context) error {
	pause := 5 * time.Millisecond
	for {
		nc, err := g.ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // out of descriptors, most likely
			g.log.Warn("connection was not accepted", "err", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		// Over the limit a connection is told to come later; far over it,
		// there is no time even for that.
		n := int(g.pending.Add(1))
		if n > 2*g.cfg.MaxPending {
			g.pending.Add(-1)
			nc.Close()
			continue
		}
		g.conns.Go(func() {
			defer g.pending.Add(-1)
			g.serve(live, nc, n > g.cfg.MaxPending)
		})
	}
}

// heartbeats sends a ping wherever nothing else was sent for a heartbeat:
// one timer for all sessions.
func (g *Gateway) heartbeats(ctx context.Context) error {
	var seen, trimmed int64
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
		// Thousands of handshakes leave several times the memory behind
		// that their sessions need: give it back once the rush is over.
		opened := g.opened.Load()
		if opened == seen && opened-trimmed >= trimAfter {
			debug.FreeOSMemory()
			trimmed = opened
		}
		seen = opened
	}
}

func (g *Gateway) all() []*session {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]*session, 0, len(g.sessions))
	for s := range g.sessions {
		out = append(out, s)
	}
	return out
}

// farewell sends GoAway to everybody and ends the sessions when it is written.
func (g *Gateway) farewell() {
	g.mu.Lock()
	g.stopping = true
	g.mu.Unlock()
	for _, s := range g.all() {
		s.finish(&wire.GoAway{
			Code: wire.CodeShutdown, Message: "this gateway is shutting down",
			WindowMS: g.cfg.GoAwayWindow.Milliseconds(),
		})
	}
	deadline := time.Now().Add(2 * lingerFor)
	for len(g.all()) > 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	for _, s := range g.all() {
		s.nc.Close()
	}
}
