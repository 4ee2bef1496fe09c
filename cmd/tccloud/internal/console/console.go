package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"tcenvsvr/agent/app/api/leftover"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/password"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/console/session"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
	"tcenvsvr/cmd/tccloud/internal/pace"
)

// Prefix of all paths.
const Prefix = "/console/"

// Accounts knows who may sign in: *access.Users. from is the address that asks.
type Accounts interface {
	SignIn(ctx context.Context, from, name, password string) (access.Principal, error)
	Link(ctx context.Context, secret string) (access.Link, error)
	Redeem(ctx context.Context, from string, r access.Redemption) (access.Principal, error)
	NewPassword(ctx context.Context, from string, p access.Principal, old, password string) (access.Principal, error)
	// Attempt counts a try of single sign-on, Refused notes one that failed before there was anybody, and
	// SignInBy ends one.
	Attempt(from string) error
	Refused(ctx context.Context, from string, why error)
	SignInBy(ctx context.Context, from string, id access.Identity) (access.Principal, error)
	// Current returns a principal that signed in once as it is now.
	Current(p access.Principal) (access.Principal, error)
}

// Config of a Console. All fields but SignOn and Logger are required.
type Config struct {
	API      http.Handler // the admin API, which finds the principal in the request's context
	Accounts Accounts
	Sessions scs.CtxStore  // see package session
	SignOn   *sso.Provider // nil: there is none
	Version  string        // of this program
	Logger   *slog.Logger
}

// Console serves the pages. Create it with New.
type Console struct {
	Config
	cloud     *client.Client
	sessions  *scs.SessionManager
	templates *templates
	hub       *live.Hub
	reports   reports
	handler   http.Handler
}

// New makes a console; Run keeps its live pages up to date.
func New(cfg Config) (*Console, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Console{Config: cfg, cloud: client.InProcess(transport{cfg.API, cfg.Logger})}
	var err error
	if c.templates, err = parseTemplates(); err != nil {
		return nil, fmt.Errorf("reading the console's pages: %w", err)
	}
	c.hub = live.New(live.Config{Load: c.snapshot, Problem: func(err error) string { return c.explain(err).Message }, Logger: cfg.Logger})
	c.sessions = newSessions(cfg.Sessions, c)
	c.handler = c.routes()
	return c, nil
}

// newSessions has a cookie that no page, no other host and no unencrypted connection sees.
func newSessions(store scs.CtxStore, c *Console) *scs.SessionManager {
	s := scs.New()
	s.Store, s.HashTokenInStore = store, true
	s.Lifetime, s.IdleTimeout = session.Life, session.Idle
	s.Cookie = scs.SessionCookie{Name: "__Host-tccloud", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	s.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		if r.Context().Err() == nil {
			c.Logger.Error("session of the console was not read or stored", "err", err)
		}
		http.Error(w, "The cloud cannot read or store sessions now. Its log says why.", http.StatusServiceUnavailable)
	}
	return s
}

// Run keeps live pages up to date until ctx ends.
func (c *Console) Run(ctx context.Context) error { return c.hub.Run(ctx) }

// ServeHTTP implements http.Handler for Prefix, and leads there from /.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// routes mounts what there is below Prefix.
func (c *Console) routes() http.Handler {
	signedIn, open := http.NewServeMux(), http.NewServeMux()
	for _, p := range pages {
		signedIn.Handle("GET "+Prefix+p.path, c.page(p))
	}
	for _, a := range answers {
		signedIn.Handle("GET "+Prefix+a.path, c.answer(a))
	}
	for _, a := range actions {
		signedIn.Handle("POST "+Prefix+a.path, c.action(a))
	}
	signedIn.HandleFunc(Prefix, c.notFound)

	session := func(h http.Handler) http.Handler { return c.sessions.LoadAndSave(c.known(h)) }
	open.Handle(Prefix, session(signedIn))
	for path, serve := range map[string]http.HandlerFunc{
		"GET signin": c.signInPage, "POST signin": c.signIn,
		"GET link/{secret}": c.linkPage, "POST link/{secret}": c.redeem,
		"POST signout": c.signOut,
	} {
		method, below, _ := strings.Cut(path, " ")
		open.Handle(method+" "+Prefix+below, c.sessions.LoadAndSave(serve))
	}
	c.signOnRoutes(open)
	open.Handle("GET "+Prefix+"assets/", assets())
	open.HandleFunc("POST "+Prefix+"csp", c.report)
	open.HandleFunc("GET "+Prefix+"live.json", c.liveJSON)
	open.Handle("GET /{$}", http.RedirectHandler(Prefix, http.StatusSeeOther))
	open.Handle("GET /console", http.RedirectHandler(Prefix, http.StatusSeeOther))

	origin := http.NewCrossOriginProtection()
	origin.AddInsecureBypassPattern("POST " + Prefix + "csp") // browsers send reports without an origin
	origin.SetDenyHandler(http.HandlerFunc(c.foreign))

	ordinary := pace.Answers(leftover.Drain(limited(origin.Handler(open))))
	mux := http.NewServeMux()
	mux.Handle("/", ordinary)
	mux.HandleFunc("GET "+Prefix+"live", c.liveSocket) // takes the connection over
	return secured(mux)
}

// Explained is a failure as a page shows it.
type Explained struct {
	Status        int
	Code, Message string
	Hint          string // what to try
}

// explain says what went wrong. What the cloud's parts did not say is not quoted.
func (c *Console) explain(err error) Explained {
	if e, ok := errors.AsType[*clientError](err); ok {
		return Explained{e.Status, e.Code, sentence(e.Message), e.Hint}
	}
	if e, ok := errors.AsType[*invalid](err); ok {
		return Explained{Status: http.StatusUnprocessableEntity, Code: "bad_request", Message: sentence(e.text)}
	}
	if wait, ok := errors.AsType[*access.Wait](err); ok {
		return Explained{Status: http.StatusTooManyRequests, Code: "wait", Message: sentence(wait.Error())}
	}
	if p, ok := errors.AsType[*sso.Problem](err); ok {
		c.Logger.Warn("nobody was signed in by single sign-on", "err", p)
		return Explained{p.Status, "single_sign_on", p.Text, p.Hint}
	}
	switch {
	case errors.Is(err, access.ErrSignIn):
		return Explained{Status: http.StatusUnauthorized, Code: "unauthorized", Message: sentence(err.Error())}
	case errors.Is(err, access.ErrLink):
		return Explained{http.StatusGone, "not_found", sentence(err.Error()), "Ask an administrator for another one."}
	case errors.Is(err, access.ErrInvalid), errors.Is(err, password.ErrWeak):
		return Explained{Status: http.StatusUnprocessableEntity, Code: "bad_request", Message: sentence(err.Error())}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Explained{http.StatusGatewayTimeout, "timeout", "The cloud did not answer in time.", "Try again in a moment."}
	}
	c.Logger.Error("page of the console not served", "err", err)
	return Explained{http.StatusInternalServerError, "internal", "The cloud could not do this now.", "Its log says why."}
}

// callTime bounds what a page waits for the cloud. Transfers have no such bound.
const callTime = 30 * time.Second
