package sso

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// Provider is where people sign in. Create it with New. It is safe for concurrent use.
type Provider struct {
	Config
	client *http.Client
	turn   chan struct{} // held by who looks at, or renews, found
	found  *discovered   // nil: nothing yet
	tried  time.Time     // the last time that failed
	failed error
}

// New does not ask the provider yet: it may be down while the cloud starts.
func New(cfg Config) (*Provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	client, err := newClient(cfg.CA)
	if err != nil {
		return nil, err
	}
	return &Provider{Config: cfg, client: client, turn: make(chan struct{}, 1)}, nil
}

// FlowLife is how long somebody may take to sign in at the provider.
const FlowLife = 10 * time.Minute

// Flow is one sign-in that has begun. It is kept where only this cloud reads it, for the browser that
// began it.
type Flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Next     string    `json:"next"`     // the page to come to
	Begun    time.Time `json:"begun"`
}

// limit bounds a call of Begin or Finish, whatever the provider does.
const limit = 20 * time.Second

// Begin returns the address at the provider where the browser is sent. Errors are a *Problem.
func (p *Provider) Begin(ctx context.Context, next string) (to string, f Flow, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := p.discover(ctx)
	if err != nil {
		return "", f, p.unavailable(err)
	}
	f = Flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Begun: time.Now()}
	return d.oauth.AuthCodeURL(f.State, oauth2.SetAuthURLParam("nonce", f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), f, nil
}

// maxCode bounds a code in bytes.
const maxCode = 8 << 10

// Finish returns who has signed in at the provider, by what the browser brings from there. Its caller
// has used up the flow. Errors are a *Problem.
func (p *Provider) Finish(ctx context.Context, f Flow, answer url.Values) (access.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(answer[name]) > 1 {
			return access.Identity{}, again(errors.New("the answer has " + name + " twice"))
		}
	}
	if age := time.Since(f.Begun); f.State == "" || age < -skew || age > FlowLife || !same(f.State, answer.Get("state")) {
		return access.Identity{}, again(errors.New("no sign-in of this browser is under way that has this state"))
	}
	d, err := p.discover(ctx)
	if err != nil {
		return access.Identity{}, p.unavailable(err)
	}
	if iss := answer.Get("iss"); iss != p.Issuer && (iss != "" || d.namesItself) {
		return access.Identity{}, p.refused("its answer names another provider", nil)
	}
	if code := answer.Get("error"); code != "" {
		return access.Identity{}, p.denied(code)
	}
	code := answer.Get("code")
	if code == "" || len(code) > maxCode {
		return access.Identity{}, p.refused("its answer has no code", nil)
	}
	t, err := d.oauth.Exchange(p.with(ctx), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return access.Identity{}, p.notExchanged(err)
	}
	return p.identity(ctx, d, f, t)
}

// with has requests made by the bounded client.
func (p *Provider) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, p.client)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
