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
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/pace"
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
	Sessions(ctx context.Context) ([]gateway.Session, error)
	// Keep makes one of the hosts that run as a server the only one.
	Keep(ctx context.Context, xid wire.ServerXID, host twin.Host) error
}

// Health says how the cloud is.
type Health interface {
	Report() health.Report
}

// Config of an API. All fields but Logger are required.
type Config struct {
	Registry   *registry.Registry
	Catalog    *catalog.Catalog
	Uploads    *upload.Store
	AppStore   *appstore.Store
	Artifacts  *artifact.Store
	Requests   requests.Log
	Platform   func(http.ResponseWriter, *http.Request, api.Session) // see [api.Config].Platform
	Dispatcher *dispatch.Dispatcher
	Jobs       *jobs.Jobs
	Services   *services.Services
	Sessions   Sessions
	Releases   *releases.Director
	Packages   *packages.Store
	Server     *pki.Server // the certificate shown
	Health     Health
	AdminToken string
	APIURL     string // where agents reach it, for bundles
	BrokerHost string // host:port, same
	Version    string // of this program
	Logger     *slog.Logger
}

// API serves HTTPS.
type API struct {
	Config
	token   [sha256.Size]byte // of the admin token
	started time.Time
	handler http.Handler
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
	mux.Handle("POST "+EnrollPath+"{token}", withBodyTimeout(http.HandlerFunc(a.redeem)))
	a.admin(mux)
	a.handler = pace.Answers(leftover.Drain(mux))
	return a, nil
}

// admin mounts the operators' endpoints.
func (a *API) admin(mux *http.ServeMux) {
	for pattern, serve := range map[string]endpoint{
		"GET status":                                a.status,
		"GET environments":                          a.environments,
		"POST environments":                         a.createEnvironment,
		"GET environments/{name}":                   a.environment,
		"GET environments/{name}/history":           a.history,
		"PATCH environments/{name}":                 a.changeEnvironment,
		"DELETE environments/{name}":                a.deleteEnvironment,
		"POST environments/{name}/bundle":           a.bundle,
		"POST environments/{name}/link":             a.link,
		"GET environments/{name}/sealing":           a.sealing,
		"GET servers":                               a.servers,
		"GET servers/{xid}":                         a.server,
		"PATCH servers/{xid}":                       a.changeServer,
		"POST servers/{xid}/revoke":                 a.revokeServer,
		"POST servers/{xid}/keep":                   a.keepHost,
		"GET apps":                                  a.apps,
		"POST apps":                                 a.intake(a.addApp),
		"GET apps/{name}":                           a.app,
		"GET apps/{name}/{version}/signature":       a.appSignature,
		"PUT apps/{name}/{version}/signature":       a.intake(a.signApp),
		"DELETE apps/{name}/{version}":              a.removeApp,
		"POST executions":                           a.intake(a.run),
		"POST drafts":                               a.draft,
		"GET executions":                            a.executions,
		"GET executions/{id}":                       a.execution,
		"POST executions/{id}/cancel":               a.cancel,
		"GET executions/{id}/watch":                 a.watch,
		"GET executions/{id}/logs":                  a.logs,
		"GET executions/{id}/outputs":               a.outputs,
		"GET executions/{id}/files/{name...}":       a.file,
		"GET executions/{id}/artifacts":             a.artifacts,
		"GET executions/{id}/artifacts/{n}":         a.artifact,
		"GET executions/{id}/requests":              a.requests,
		"GET releases":                              a.updates,
		"POST releases":                             a.intake(a.importRelease),
		"PUT releases/packages/{name}":              a.intake(a.addPackage),
		"DELETE releases/packages/{name}":           a.removePackage,
		"PUT releases/rollouts/{channel}":           a.rollout,
		"POST releases/rollouts/{channel}/halt":     a.halt,
		"POST releases/choices":                     a.choose,
		"GET jobs":                                  a.jobs,
		"POST jobs":                                 a.intake(a.createJob),
		"GET jobs/{name}":                           a.job,
		"PATCH jobs/{name}":                         a.changeJob,
		"DELETE jobs/{name}":                        a.removeJob,
		"POST jobs/{name}/run":                      a.intake(a.runJob),
		"GET services":                              a.services,
		"POST services":                             a.intake(a.createService),
		"GET services/{name}":                       a.service,
		"PATCH services/{name}":                     a.changeService,
		"DELETE services/{name}":                    a.removeService,
		"POST services/{name}/token":                a.serviceToken,
		"POST services/{name}/triggers":             a.intake(a.addTrigger),
		"DELETE services/{name}/triggers/{trigger}": a.removeTrigger,
		"GET services/{name}/events":                a.serviceEvents,
		"GET variables":                             a.variables,
		"PUT variables/{source}/{id}":               a.setVariable,
		"DELETE variables/{source}/{id}":            a.deleteVariable,
	} {
		a.route(mux, pattern, serve)
	}
	mux.Handle("/api/admin/", a.authorized(func(http.ResponseWriter, *http.Request) error {
		return problem(http.StatusNotFound, v1.CodeNotFound, "there is no such endpoint, or not with this method")
	}))
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

// connected returns the sessions by their servers.
func (a *API) connected(ctx context.Context) (map[wire.ServerXID]gateway.Session, error) {
	list, err := a.Sessions.Sessions(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	m := make(map[wire.ServerXID]gateway.Session, len(list))
	for _, s := range list {
		m[s.XID] = s
	}
	return m, nil
}
