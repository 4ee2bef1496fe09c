package api

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/api/leftover"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/platform"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/requests"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// Sessions are the live connections of agents, at all gateways.
type Sessions interface {
	// Look returns whether a server is connected, and its session if it is.
	Look(xid wire.ServerXID) (roster.Session, roster.State)
	// Control asks a server for something; gateway.ErrNotConnected if it is not connected.
	Control(ctx context.Context, xid wire.ServerXID, m *wire.Control) error
	// Keep makes one of the hosts that run as a server the only one.
	Keep(ctx context.Context, xid wire.ServerXID, host twin.Host) error
}

// Health says how the cloud is.
type Health interface {
	Report() health.Report
}

// Metrics are what Apps count while no real platform does.
type Metrics interface {
	MetricsOf(ctx context.Context, environment, app string) ([]platform.Metric, error)
}

// Scrapes answers Prometheus with what a principal sees.
type Scrapes interface {
	Serve(w http.ResponseWriter, r *http.Request, p access.Principal)
}

// Config of an API. All fields but Console and Logger are required.
type Config struct {
	Registry   *registry.Registry
	Catalog    *catalog.Catalog
	Uploads    *upload.Store
	AppStore   *appstore.Store
	Artifacts  *artifact.Store
	Requests   requests.Log
	Metrics    Metrics
	Platform   func(http.ResponseWriter, *http.Request, api.Session) // see [api.Config].Platform
	Dispatcher *dispatch.Dispatcher
	Jobs       *jobs.Jobs
	Services   *services.Services
	Sessions   Sessions
	Releases   *releases.Director
	Packages   *packages.Store
	Server     *pki.Server // the certificate shown
	Health     Health
	Scrapes    Scrapes
	Users      *access.Users
	Audit      *audit.Log   // nil keeps nothing
	Console    http.Handler // below /console/; nil: none
	AdminToken string
	APIURL     string        // where agents reach it, for bundles
	BrokerHost func() string // host:port of all brokers, same, separated by commas
	Version    string        // of this program
	// Room returns an error if the disk has no space for so many bytes more; nil: it always has.
	Room   func(bytes int64) error
	Logger *slog.Logger
}

// API serves HTTPS.
type API struct {
	Config
	token   [sha256.Size]byte // of the admin token
	started time.Time
	handler http.Handler
	// operators serves the admin API.
	operators *http.ServeMux
	// onStop has f called when Run is to end, unless undo is called before.
	onStop func(f func()) (undo func() bool)
	stop   context.CancelFunc
}

// New makes an API; Run serves it.
func New(cfg Config) (*API, error) {
	if cfg.AdminToken == "" {
		return nil, errors.New("starting the API: no admin token")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Room == nil {
		cfg.Room = func(int64) error { return nil }
	}
	a := &API{Config: cfg, token: sha256.Sum256([]byte(cfg.AdminToken)), started: time.Now().UTC()}
	stopping, stop := context.WithCancel(context.Background())
	a.onStop, a.stop = func(f func()) func() bool { return context.AfterFunc(stopping, f) }, stop
	a.AdminToken = "" // only its digest is needed from here on
	apps := api.Handler(api.Config{Store: cfg.AppStore, Platform: cfg.Platform, Logger: cfg.Logger.With("component", "appapi")})
	mux := http.NewServeMux()
	mux.Handle(catalog.Prefix, cfg.Catalog.AgentHandler())
	mux.Handle(releases.Prefix, cfg.Releases.AgentHandler())
	mux.Handle("/api/", withBodyTimeout(http.StripPrefix("/api", apps)))
	mux.HandleFunc(ServicesPath, a.callService)
	mux.HandleFunc(WebhookPath+"{token}", a.callWebhook)
	mux.HandleFunc("GET /healthz", a.probe(func(r health.Report) bool { return r.State != health.Failed }))
	mux.HandleFunc("GET /readyz", a.probe(health.Report.Intake))
	mux.Handle("GET /metrics", a.authorized(route{role: access.Viewer, reach: own, serve: a.scrape}))
	mux.Handle("POST "+EnrollPath+"{token}", withBodyTimeout(http.HandlerFunc(a.redeem)))
	a.operators = http.NewServeMux()
	a.admin(a.operators)
	mux.Handle("/api/admin/", a.operators)
	a.handler = pace.Answers(leftover.Drain(mux))
	if cfg.Console != nil { // it paces its answers itself
		all := http.NewServeMux()
		all.Handle("/console/", cfg.Console)
		all.Handle("GET /console", cfg.Console)
		all.Handle("GET /{$}", cfg.Console)
		all.Handle("/", a.handler)
		a.handler = all
	}
	return a, nil
}

// Limits of the server.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 2 * time.Minute // of requests that are not transfers
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 5 * time.Second
)

// withBodyTimeout ends requests whose body takes longer than bodyTimeout.
func withBodyTimeout(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		_ = c.SetReadDeadline(time.Now().Add(bodyTimeout)) // best effort: not every connection has deadlines
		h.ServeHTTP(w, r)
	})
}

// Run serves l until ctx ends. Then it ends streams, and gives other requests five seconds to
// finish. It can be called once.
func (a *API) Run(ctx context.Context, l net.Listener) error {
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := &http.Server{
		Handler:           a.handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return base },
		// Port scans and aborted handshakes need no attention.
		ErrorLog: slog.NewLogLogger(a.Logger.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		a.stop()
		defer time.AfterFunc(drainTimeout/2, end).Stop() // ends requests that are stuck
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(tls.NewListener(l, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: a.Server.Get,
		NextProtos:     []string{"http/1.1"},
	}))
	if !stop() {
		<-stopped
		return nil
	}
	return fmt.Errorf("serving the API on %s: %w", l.Addr(), err)
}
