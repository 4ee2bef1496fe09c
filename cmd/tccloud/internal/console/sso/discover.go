package sso

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tcenvsvr/agent/host/clock"
)

// Algorithms are those that an ID token may be signed with.
var Algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512,
}

// discovered is the provider as it describes itself.
type discovered struct {
	oauth       oauth2.Config
	verifier    *oidc.IDTokenVerifier
	namesItself bool // its answers have iss
	at          time.Time
}

const (
	fresh = time.Hour       // how long it is believed
	pause = 5 * time.Second // after it was not there
	// skew is how much the provider's clock may differ from this one.
	skew = clock.Tolerated
)

// discover returns what is known, or asks: one caller at a time, while the others wait for the answer.
// While the provider does not describe itself, what it said before holds.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if p.found != nil && time.Since(p.found.at) < fresh {
		return p.found, nil
	}
	if p.failed != nil && time.Since(p.tried) < pause {
		return p.known(p.failed)
	}
	d, err := p.ask(ctx)
	if err != nil {
		if ctx.Err() == nil { // else it was not the provider
			p.tried, p.failed = time.Now(), err
		}
		return p.known(err)
	}
	p.found, p.failed = d, nil
	return d, nil
}

func (p *Provider) known(err error) (*discovered, error) {
	if p.found == nil {
		return nil, err
	}
	return p.found, nil
}

// ask asks the provider.
func (p *Provider) ask(ctx context.Context) (*discovered, error) {
	found, err := oidc.NewProvider(p.with(ctx), p.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		Keys        string   `json:"jwks_uri"`
		Logins      []string `json:"token_endpoint_auth_methods_supported"`
		NamesItself bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, err
	}
	endpoint := found.Endpoint()
	for what, at := range map[string]string{"authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL, "jwks_uri": more.Keys} {
		if u, err := url.Parse(at); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			return nil, fmt.Errorf("its %s is no https:// address", what)
		}
	}
	if endpoint.AuthStyle, err = p.login(more.Logins); err != nil {
		return nil, err
	}
	return &discovered{
		oauth: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint, RedirectURL: p.RedirectURL,
			Scopes: append([]string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeProfile}, p.Scopes...),
		},
		verifier: found.VerifierContext(p.with(ctx), &oidc.Config{
			ClientID: p.ClientID, SupportedSigningAlgs: Algorithms, Now: func() time.Time { return time.Now().Add(-skew) },
		}),
		namesItself: more.NamesItself, at: time.Now(),
	}, nil
}

// login is how this client shows its secret, of the ways that the provider takes.
func (p *Provider) login(ways []string) (oauth2.AuthStyle, error) {
	switch {
	case p.ClientSecret == "":
		return oauth2.AuthStyleInParams, nil // the client's id alone
	case len(ways) == 0, slices.Contains(ways, "client_secret_basic"):
		return oauth2.AuthStyleInHeader, nil
	case slices.Contains(ways, "client_secret_post"):
		return oauth2.AuthStyleInParams, nil
	}
	return 0, errors.New("it takes no client secret, neither client_secret_basic nor client_secret_post")
}
