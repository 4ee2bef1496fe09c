package access

import (
	"context"
	"slices"
)

// Principal is who makes a request, after that was verified.
type Principal struct {
	// Name is that of a user, "token:NAME" of an API token, or "admin token".
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Environments are the only ones that exist for the principal; nil are all.
	Environments []string `json:"environments,omitempty"`
	How          How      `json:"how"` // it was verified
	// Stamp changes when what was signed in before is to end: with the password, the role, and when
	// the user or the token is removed. See [Access.Current].
	Stamp string `json:"stamp,omitempty"`
}

// How a principal was verified.
type How string

// The ways.
const (
	ByAdminToken   How = "admin token"
	ByToken        How = "API token"
	ByPassword     How = "password"
	ByLink         How = "one-time link"
	BySingleSignOn How = "single sign-on"
	// ByCloud is what the cloud does for all who watch, as a viewer.
	ByCloud How = "this cloud"
)

// Limited reports whether some Environments do not exist for the principal.
func (p *Principal) Limited() bool { return p.Environments != nil }

// Sees reports whether an Environment exists for the principal.
func (p *Principal) Sees(environment string) bool {
	return !p.Limited() || slices.Contains(p.Environments, environment)
}

type contextKey struct{}

// With returns a context whose requests p makes. Only who verified p calls it.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, &p)
}

// From returns who makes the requests of ctx. Without one the request is the cloud's own.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(*Principal)
	if !ok {
		return Principal{}, false
	}
	return *p, true
}
