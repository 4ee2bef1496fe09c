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

// reach decides about a request of a principal that is limited to some Environments: it returns the
// Environment that the path names, or errOwn or errEverywhere. For what is outside, as for what is
// not there, the answer is the same.
type reach func(a *API, r *http.Request) (environment string, err error)

var (
	// errOwn: the endpoint itself shows and takes only what the principal sees.
	errOwn = errors.New("only their own")
	// errEverywhere: it is not of one Environment.
	errEverywhere = errors.New("of all Environments")
)

func own(*API, *http.Request) (string, error)        { return "", errOwn }
func everywhere(*API, *http.Request) (string, error) { return "", errEverywhere }

func environment(a *API, r *http.Request) (string, error) {
	e, err := a.Registry.Environment(r.PathValue("name"))
	return e.Name, err
}

func server(a *API, r *http.Request) (string, error) {
	s, err := a.Registry.Server(wire.ServerXID(r.PathValue("xid")))
	return s.Environment, err
}

func execution(a *API, r *http.Request) (string, error) {
	e, err := a.find(r)
	return e.Environment, err
}

func job(a *API, r *http.Request) (string, error) {
	v, err := a.Jobs.Get(r.Context(), r.PathValue("name"))
	return v.Job.Environment, err
}

func service(a *API, r *http.Request) (string, error) {
	v, err := a.Services.Get(r.Context(), r.PathValue("name"))
	return v.Service.Environment, err
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
	name, err := rt.reach(a, r)
	switch {
	case errors.Is(err, errOwn):
		return nil
	case errors.Is(err, errEverywhere):
		return problem(http.StatusForbidden, v1.CodeForbidden, "this is not of one Environment, and %s is limited to some", p.Name).
			Try("use a token that is not limited to Environments")
	case err == nil && p.Sees(name):
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
