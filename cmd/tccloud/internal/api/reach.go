package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// reach decides about a request of a principal that is limited to some Environments: it returns of which
// Environment the request is. For what is outside, as for what is not there, the answer is the same.
type reach func(a *API, r *http.Request) (scope, error)

// scope is what a request is of.
type scope struct {
	environment string
	own         bool // the endpoint itself shows and takes only what the principal sees
}

func own(*API, *http.Request) (scope, error) { return scope{own: true}, nil }

// everywhere: it is not of one Environment.
func everywhere(_ *API, r *http.Request) (scope, error) {
	p, _ := access.From(r.Context())
	return scope{}, problem(http.StatusForbidden, v1.CodeForbidden, "this is not of one Environment, and %s is limited to some", p.Name).
		Try("use a token that is not limited to Environments")
}

func environment(a *API, r *http.Request) (scope, error) {
	e, err := a.Registry.Environment(r.PathValue("name"))
	return scope{environment: e.Name}, err
}

func server(a *API, r *http.Request) (scope, error) {
	s, err := a.Registry.Server(wire.ServerXID(r.PathValue("xid")))
	return scope{environment: s.Environment}, err
}

func execution(a *API, r *http.Request) (scope, error) {
	e, err := a.find(r)
	return scope{environment: e.Environment}, err
}

func job(a *API, r *http.Request) (scope, error) {
	v, err := a.Jobs.Get(r.Context(), r.PathValue("name"))
	return scope{environment: v.Job.Environment}, err
}

func service(a *API, r *http.Request) (scope, error) {
	v, err := a.Services.Get(r.Context(), r.PathValue("name"))
	return scope{environment: v.Service.Environment}, err
}

// allow refuses a request that the principal's role or Environments do not allow.
func (a *API) allow(r *http.Request, p access.Principal, rt route) error {
	if !p.Role.Allows(rt.role) {
		return problem(http.StatusForbidden, v1.CodeForbidden, "this needs the role %s, and %s is %s", rt.role, p.Name, p.Role).
			Try("an administrator can change that: tccloud user edit, tccloud token create")
	}
	if !p.Limited() {
		return nil
	}
	of, err := rt.reach(a, r)
	switch {
	case err == nil && (of.own || p.Sees(of.environment)):
		return nil
	case err == nil,
		errors.Is(err, registry.ErrNotFound), errors.Is(err, dispatch.ErrNotFound), errors.Is(err, jobs.ErrNotFound), errors.Is(err, services.ErrNotFound):
		return problem(http.StatusNotFound, v1.CodeNotFound, "not found, or not in the Environments that %s is limited to", p.Name)
	}
	return err
}

// sees reports whether an Environment exists for who makes the request. For the cloud itself all do.
func sees(ctx context.Context, environment string) bool {
	p, ok := access.From(ctx)
	return !ok || p.Sees(environment)
}

// mustSee refuses an Environment that does not exist for who makes the request, as the registry does.
func mustSee(ctx context.Context, environment string) error {
	if !sees(ctx, environment) {
		return fmt.Errorf("environment %.70q: %w", environment, registry.ErrNotFound)
	}
	return nil
}
