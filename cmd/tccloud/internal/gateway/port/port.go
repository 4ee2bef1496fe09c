package port

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
)

const (
	// handshakesAtOnce bounds the TLS handshakes under way, and handshakeWait how long a connection
	// waits for its turn: less than agents wait for its end.
	handshakesAtOnce = 128
	handshakeWait    = 8 * time.Second
)

// Config of a Port. All fields but Listener and Addr are required, one of which is.
type Config struct {
	Listener net.Listener // plain TCP; nil: listen on Addr
	Addr     string
	// TLS holds the server's certificate. ALPN, ClientAuth and versions are set on a copy.
	TLS              *tls.Config
	HTTP             http.Handler  // other paths than the broker's
	HandshakeTimeout time.Duration // from accept to the hello
	MaxPending       int           // connections in Handler; more are called busy, and closed beyond twice as many
	Logger           *slog.Logger
}

// Handler gets each connection that speaks the broker's protocol, in a goroutine of its own. busy
// says that there are more than Config.MaxPending. The connection counts as pending until Handler
// returns.
type Handler func(ctx context.Context, c *Conn, busy bool)

// Port accepts connections. Create it with Listen.
type Port struct {
	cfg        Config
	tls        *tls.Config
	ln         net.Listener
	web        *handoff
	pending    atomic.Int64
	stopping   atomic.Bool
	handshakes chan struct{} // one token for each under way
	conns      sync.WaitGroup
}

// Listen binds the port; Serve serves it.
func Listen(cfg Config) (*Port, error) {
	t := cfg.TLS.Clone()
	t.MinVersion = tls.VersionTLS13
	t.NextProtos = []string{wire.ALPN, wire.ALPNWebSocket}
	// Certificates are verified after hello, so that the agent gets an error that names what is
	// wrong. No CAs are announced, so that an agent presents a foreign certificate, too.
	t.ClientAuth, t.ClientCAs = tls.RequestClientCert, nil
	browsers := t.Clone()
	browsers.ClientAuth, browsers.NextProtos = tls.NoClientCert, []string{wire.ALPNWebSocket}
	t.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(h.SupportedProtos, "h2") { // a browser, which would ask its user for a certificate; no agent offers it
			return browsers, nil
		}
		return nil, nil
	}
	p := &Port{cfg: cfg, tls: t, ln: cfg.Listener, handshakes: make(chan struct{}, handshakesAtOnce)}
	if p.ln == nil {
		var err error
		if p.ln, err = net.Listen("tcp", cfg.Addr); err != nil {
			return nil, err
		}
	}
	p.web = &handoff{addr: p.ln.Addr(), conns: make(chan net.Conn), done: make(chan struct{})}
	return p, nil
}

// Addr is the address that the port listens on.
func (p *Port) Addr() net.Addr { return p.ln.Addr() }

// Serve gives connections to handle until ctx ends. Then it accepts no more, calls farewell, cuts
// the HTTP connections, ends the context that handlers have, and returns when they have returned.
func (p *Port) Serve(ctx context.Context, handle Handler, farewell func()) error {
	live, kill := context.WithCancel(context.WithoutCancel(ctx)) // connections outlive ctx until farewell
	defer kill()
	web := p.webServer(live, handle)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.accept(ctx, live, handle) })
	g.Go(func() error {
		if err := web.Serve(p.web); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("serving HTTP: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		p.stopping.Store(true)
		p.ln.Close()
		farewell()
		_ = p.web.Close()
		_ = web.Close()
		kill()
		return nil
	})
	err := g.Wait()
	p.conns.Wait()
	return err
}
