package console_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/test/oidc"
)

// hostile is in every field that an agent, an App, an event or a user can write.
const hostile = `<img src=x onerror="fetch('https://evil.invalid')"><script>alert(1)</script>"'&{{.}}`

// fakeAPI answers like the admin API.
type fakeAPI struct {
	mu           sync.Mutex
	environments []v1.Environment
	servers      []v1.Server
	executions   []v1.Execution // the newest first
	log          []v1.Chunk     // of each execution
	apps         []v1.App
	added        int64 // bytes of a package
	signature    string
	replaced     bool
	refuses      *v1.Error // orders
	ran          []v1.NewExecution
	asked        []string           // METHOD path, of what changes things
	by           []access.Principal // who asked for it
	jobs         []v1.Job
	services     []v1.Service
	events       []services.Event
	updates      v1.Updates
	variables    []v1.Variable
	entries      []v1.AuditEntry  // the oldest first
	token        v1.NewAPIToken   // that was asked for last
	content      string           // of the variable that was set last
	changed      v1.ChangeService // what was asked of a service last
	fails        *v1.Error        // what it answers
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := access.From(r.Context())
	if !ok {
		refuse(w, http.StatusUnauthorized, v1.CodeUnauthorized, "nobody asks")
		return
	}
	if f.fails != nil {
		refuse(w, f.fails.Status, f.fails.Code, f.fails.Message)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, v1.Prefix)
	if r.Method != http.MethodGet {
		f.asked, f.by = append(f.asked, r.Method+" "+path), append(f.by, p)
	}
	kind, name, _ := strings.Cut(path, "/")
	if f.people(w, r, kind, name) || f.work(w, r, kind, name) {
		return
	}
	switch {
	case r.Method != http.MethodGet && strings.HasSuffix(name, "/bundle"):
		w.Header().Set("Content-Disposition", `attachment; filename="bundle.zip"`)
		_, _ = w.Write([]byte("PK"))
	case r.Method == http.MethodPost && path == "environments":
		var q v1.NewEnvironment
		_ = json.NewDecoder(r.Body).Decode(&q)
		if q.Name == "lab" {
			refuse(w, http.StatusConflict, v1.CodeExists, "environment "+hostile+" exists")
			return
		}
		e := v1.Environment{Environment: registry.Environment{Name: q.Name, Owner: q.Owner, Active: true, Created: time.Now()}}
		f.environments = append(f.environments, e)
		send(w, e)
	case kind == "environments" && name == "":
		send(w, f.environments)
	case kind == "environments":
		for _, e := range f.environments {
			if e.Name == name {
				send(w, e)
				return
			}
		}
		refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no environment "+name)
	case kind == "servers" && name == "":
		of := r.URL.Query().Get("environment")
		list := []v1.Server{}
		for _, s := range f.servers {
			if of == "" || s.Environment == of {
				list = append(list, s)
			}
		}
		send(w, list)
	case kind == "servers":
		xid, _, _ := strings.Cut(name, "/")
		for _, s := range f.servers {
			if string(s.XID) == xid {
				send(w, s)
				return
			}
		}
		refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no server "+name)
	case kind == "executions":
		f.serveExecutions(w, r, name)
	case kind == "apps":
		f.serveApps(w, r, name)
	default:
		refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no such endpoint")
	}
}

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	send(w, v1.Failure{Error: &v1.Error{Code: code, Message: message, Hint: hostile}})
}

// change changes what the API answers.
func (f *fakeAPI) change(by func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by()
}

// fakeAccounts lets users in whose password is their name.
type fakeAccounts struct {
	mu       sync.Mutex
	ended    map[string]bool
	attempts int      // of single sign-on
	refused  []string // why
}

func (f *fakeAccounts) SignIn(_ context.Context, _, name, password string) (access.Principal, error) {
	if name == "" || name != password {
		return access.Principal{}, access.ErrSignIn
	}
	return access.Principal{Name: name, Role: access.Role(name), How: access.ByPassword}, nil
}

func (f *fakeAccounts) Link(_ context.Context, secret string) (access.Link, error) {
	switch secret {
	case "first":
		return access.Link{}, nil
	case "good":
		return access.Link{User: "viewer"}, nil
	}
	return access.Link{}, access.ErrLink
}

func (f *fakeAccounts) Redeem(ctx context.Context, _ string, r access.Redemption) (access.Principal, error) {
	l, err := f.Link(ctx, r.Secret)
	if l.User == "" {
		return access.Principal{Name: r.Name, Role: access.Administrator, How: access.ByLink}, err
	}
	return access.Principal{Name: l.User, Role: access.Viewer, How: access.ByLink}, err
}

func (f *fakeAccounts) NewPassword(_ context.Context, _ string, p access.Principal, old, password string) (access.Principal, error) {
	if err := access.CheckPassword(password); err != nil {
		return access.Principal{}, err
	}
	if old != p.Name {
		return access.Principal{}, access.ErrSignIn
	}
	return p, nil
}

func (f *fakeAccounts) Current(p access.Principal) (access.Principal, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended[p.Name] {
		return access.Principal{}, access.ErrSignedOut
	}
	return p, nil
}

// Attempt takes some.
func (f *fakeAccounts) Attempt(from string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.attempts++; f.attempts > mostAttempts {
		return &access.Wait{For: time.Minute}
	}
	return nil
}

// mostAttempts are as many as it takes.
const mostAttempts = 50

func (f *fakeAccounts) Refused(_ context.Context, _ string, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = append(f.refused, why.Error())
}

// SignInBy lets subjects in that are roles.
func (f *fakeAccounts) SignInBy(_ context.Context, _ string, id access.Identity) (access.Principal, error) {
	if access.Role(id.ID).Check() != nil {
		return access.Principal{}, access.ErrNoUser
	}
	return access.Principal{Name: id.ID, Role: access.Role(id.ID), How: access.BySingleSignOn}, nil
}

func (f *fakeAccounts) end(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended == nil {
		f.ended = map[string]bool{}
	}
	f.ended[name] = true
}

// rig is a console over a fake API.
type rig struct {
	*testing.T
	api       *fakeAPI
	accounts  *fakeAccounts
	server    *httptest.Server
	noSockets atomic.Bool // get through
}

type ctxStore struct{ *memstore.MemStore }

func (s ctxStore) FindCtx(_ context.Context, t string) ([]byte, bool, error) { return s.Find(t) }
func (s ctxStore) DeleteCtx(_ context.Context, t string) error               { return s.Delete(t) }
func (s ctxStore) CommitCtx(_ context.Context, t string, b []byte, e time.Time) error {
	return s.Commit(t, b, e)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigBy(t, nil)
}

// newRigBy has single sign-on by a provider, if there is one. Then there are two gateways, to which
// requests go in turn.
func newRigBy(t *testing.T, at *oidc.Provider) *rig {
	t.Helper()
	r := &rig{T: t, api: new(fakeAPI), accounts: new(fakeAccounts)}
	var c http.Handler
	r.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if r.noSockets.Load() && q.Header.Get("Upgrade") != "" {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		c.ServeHTTP(w, q)
	}))
	r.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // browsers do not know its CA
	cfg := console.Config{API: r.api, Accounts: r.accounts, Sessions: ctxStore{memstore.NewWithCleanupInterval(0)}, Version: "1.2.3"}
	if c = r.gateway(cfg, at); at != nil {
		both, n := []http.Handler{c, r.gateway(cfg, at)}, atomic.Int32{}
		c = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { both[n.Add(1)%2].ServeHTTP(w, q) })
	}
	t.Cleanup(r.server.Close)
	return r
}

// gateway is a console that runs.
func (r *rig) gateway(cfg console.Config, at *oidc.Provider) *console.Console {
	r.Helper()
	var err error
	if at != nil {
		redirect := r.server.URL + sso.CallbackPath
		at.Register(redirect)
		cfg.SignOn, err = sso.New(sso.Config{Issuer: at.URL, ClientID: oidc.Client, ClientSecret: oidc.Secret, RedirectURL: redirect, CA: at.CA, Label: "Example <Inc>"})
		if err != nil {
			r.Fatal(err)
		}
	}
	c, err := console.New(cfg)
	if err != nil {
		r.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	r.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			r.Error(err)
		}
	})
	return c
}

// filled has something of everything, with hostile text where somebody else writes.
func filled(t *testing.T) *rig {
	r := newRig(t)
	now := time.Now().Truncate(time.Second)
	env := func(name, owner string, active bool, servers, connected int) v1.Environment {
		return v1.Environment{
			Environment: registry.Environment{Name: name, Owner: owner, Active: active, Created: now.AddDate(0, -2, 0)},
			Servers:     servers, Connected: connected, Queued: 3 * connected, Running: connected, Today: 128 * connected, Week: 4211 * connected, Month: 18240 * connected, QueueWaitMS: 12.4,
		}
	}
	r.api.environments = []v1.Environment{
		env("lab", "Threat Intelligence", true, 3, 2), env("production", hostile, true, 4, 1), env("staging", "", true, 1, 0), env("archive", "Nobody", false, 2, 0),
	}
	server := func(n string, name, of string, info *wire.Info) v1.Server {
		s := v1.Server{Server: registry.Server{XID: wire.ServerXID("7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a" + n), Name: name, Environment: of, Created: now, CertificateExpires: now.AddDate(1, 0, 0), CertificateSerial: "3f"}}
		if info != nil {
			s.Session = &v1.Session{Host: "a1", Version: "1.4.2", OS: "linux", Arch: "amd64", RemoteAddr: "10.20.0." + n + ":50122", Transport: "tls", Connected: now.Add(-3 * time.Hour), RTTMS: 1.8, Executors: 4, Credit: 3, Info: info, InfoAt: now}
		}
		return s
	}
	info := func(load float64, running int) *wire.Info {
		return &wire.Info{Hostname: hostile, Platform: "rhel 9.4", CPUs: 8, Load1: load, MemoryTotal: 32 << 30, MemoryFree: 21 << 30, DiskTotal: 200 << 30, DiskFree: 48 << 30, Running: running, FreeSlots: 4 - running}
	}
	unfit := info(7.4, 0)
	unfit.Unfit = &wire.Unfit{Code: "host.no_space", Message: hostile, ForMS: 120000}
	draining := info(1.2, 2)
	draining.Draining = true
	r.api.servers = []v1.Server{
		server("10", "scanner-1", "lab", info(0.42, 1)), server("11", "scanner-2", "lab", draining), server("12", "scanner-3", "lab", nil),
		server("13", hostile, "production", info(3.1, 4)), server("14", "ingest-2", "production", unfit),
		server("15", "ingest-3", "production", info(0.9, 0)), server("16", "ingest-4", "production", nil),
	}
	r.api.servers[1].Drain = &registry.Drain{By: "ann", Reason: hostile, Since: now, Until: now.Add(time.Hour)}
	r.api.servers[3].Session.Transport = "websocket"
	r.api.servers[5].Twin = &twin.Conflict{Since: now.Add(-time.Hour), Proved: now, Holder: twin.Host{ID: "a1", Name: hostile, Address: "10.20.0.15:50122", Seen: now}, Others: []twin.Host{{ID: "b2", Name: "ingest-3-copy", Address: "10.20.9.77:40100", Seen: now}}}
	r.api.apps = someApps(now)
	r.api.executions, r.api.log = someExecutions(now), someLog()
	revoked := now.AddDate(0, 0, -3)
	r.api.servers[6].Revoked = &revoked
	r.api.fillWork(now)
	return r
}

const twinXID = "7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a15"

// browser is a client with cookies of its own that follows no redirect.
func (r *rig) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.Fatal(err)
	}
	c := *r.server.Client()
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// signedIn is a browser of a user with the role.
func (r *rig) signedIn(role access.Role) *http.Client {
	r.Helper()
	c := r.browser()
	if res := r.post(c, "signin", url.Values{"name": {string(role)}, "password": {string(role)}}); res.StatusCode != http.StatusSeeOther {
		r.Fatalf("signing in: %s", res.Status)
	}
	return c
}

func (r *rig) url(path string) string { return r.server.URL + console.Prefix + path }

func (r *rig) post(c *http.Client, path string, form url.Values) *http.Response {
	r.Helper()
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url(path), strings.NewReader(form.Encode()))
	if err != nil {
		r.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := c.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { res.Body.Close() })
	return res
}

func (r *rig) get(c *http.Client, path string) *http.Response {
	r.Helper()
	q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.url(path), nil)
	if err != nil {
		r.Fatal(err)
	}
	res, err := c.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { res.Body.Close() })
	return res
}
