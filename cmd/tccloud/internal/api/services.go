package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// showServices returns services as operators see them.
func (a *API) showServices(ctx context.Context, all ...services.View) []v1.Service {
	list := make([]v1.Service, len(all))
	for i, v := range all {
		list[i] = a.showService(v)
		if list[i].Live != nil || v.State.Current == nil {
			continue
		}
		if x, err := a.Dispatcher.Get(ctx, v.State.Current.Order); err != nil || x.State != wire.StateQueued && v.State.Current.Server == "" {
			continue // a server has it, and has not made it ready
		}
		list[i].Waits = a.waitsFor(v)
	}
	return list
}

// waitsFor says in words which server the instance of a service waits for, "" if it does not.
func (a *API) waitsFor(v services.View) string {
	at, only, env := v.State.Current.Server, v.Service.Server, v.Service.Environment
	var full []string
	unknown := false
	for _, s := range a.Registry.Servers(env) {
		c, state := a.Sessions.Look(s.XID)
		mine := only == "" || only == s.XID
		switch {
		case state == roster.Unknown:
			unknown = unknown || mine || s.XID == at
		case state != roster.Connected:
		case at != "" && s.XID == at, at == "" && c.Services > 0 && mine:
			return ""
		case mine:
			full = append(full, cmp.Or(c.Name, string(s.XID)))
		}
	}
	slices.Sort(full)
	switch {
	case unknown && len(full) == 0:
		return "a gateway of the cloud is silent: whether its servers are connected is not known"
	case at != "":
		return fmt.Sprintf("server %s is not connected: its App may run on there; it is moved when another server has room", at)
	case only != "" && len(full) == 0:
		return fmt.Sprintf("server %s is not connected", only)
	case len(full) == 0:
		return fmt.Sprintf("no server of Environment %q is connected", env)
	}
	return fmt.Sprintf("no room for one more service (setting appsNumberofServices) at %s", strings.Join(full, ", "))
}

func (a *API) showService(v services.View) v1.Service {
	s, st := v.Service, v.State
	out := v1.Service{
		Name: s.Name, ID: s.ID, Environment: s.Environment, Server: s.Server, App: s.App, Version: s.Version, Runtime: s.Runtime,
		Params: slices.Sorted(maps.Keys(s.Params)), Limits: s.Limits, LogLevel: s.LogLevel, Running: s.Running, Phase: v.Phase(),
		CallTimeoutMS: s.CallTimeout().Milliseconds(), MaxBody: s.BodyLimit(), Rate: s.CallRate(),
		Instance: st.Current, Next: st.Next, Restarts: st.Restarts, Again: st.Again, Ends: st.Ends, Created: s.Created,
	}
	if s.Calls() {
		out.URL, out.Public = a.APIURL+ServicesPath+s.Path, s.Token == ""
	}
	if st.Current != nil {
		out.Live, out.Again = a.Services.Live(st.Current.Order), time.Time{}
	}
	for _, t := range s.Triggers {
		out.Triggers = append(out.Triggers, showTrigger(t, st.Current))
	}
	return out
}

func (a *API) services(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Services.List(r.Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(v services.View) bool { return !sees(r.Context(), v.Service.Environment) })
	list := a.showServices(r.Context(), all...)
	for i := range list {
		list[i].Ends = list[i].Ends[:min(1, len(list[i].Ends))]
	}
	answer(w, http.StatusOK, list)
	return nil
}

func (a *API) service(w http.ResponseWriter, r *http.Request) error {
	v, err := a.Services.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, a.showServices(r.Context(), v)[0])
	return nil
}

func (a *API) createService(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewService
	if err := read(w, r, &q); err != nil {
		return err
	}
	app, err := a.Catalog.Get(r.Context(), q.App, q.Version)
	if err != nil {
		return err
	}
	s := services.Service{
		Name: q.Name, Environment: q.Environment, Server: q.Server, App: q.App, Version: q.Version, Runtime: app.Runtime, Params: q.Params,
		Limits: q.Limits, LogLevel: q.LogLevel, Running: !q.Stopped, Path: q.Path, CallTimeoutMS: q.CallTimeoutMS, MaxBody: q.MaxBody, Rate: q.Rate,
	}
	token := ""
	if s.Calls() {
		if s.Path == "" {
			s.Path = s.Name
		}
		if !q.Public {
			token = rand.Text()
			s.Token = services.Digest(token)
		}
	}
	if err := s.Check(); err != nil {
		return err
	}
	if _, err := a.serviceOrder(r.Context(), &s, ""); err != nil {
		return err
	}
	v, err := a.Services.Create(r.Context(), s)
	if err != nil {
		return err
	}
	a.Logger.Info("service created", "service", s.Name, "environment", s.Environment, "app", s.App, "runtime", s.Runtime)
	out := a.showService(v)
	out.Token = token
	answer(w, http.StatusCreated, out)
	return nil
}

func (a *API) changeService(w http.ResponseWriter, r *http.Request) error {
	var q v1.ChangeService
	if err := read(w, r, &q); err != nil {
		return err
	}
	name := r.PathValue("name")
	v, err := a.Services.Change(r.Context(), name, func(s *services.Service) error {
		if err := mustSee(r.Context(), s.Environment); err != nil { // it was moved meanwhile
			return err
		}
		before := *s
		set(&s.Environment, q.Environment)
		set(&s.Server, q.Server)
		set(&s.App, q.App)
		set(&s.Version, q.Version)
		set(&s.LogLevel, q.LogLevel)
		set(&s.Running, q.Running)
		set(&s.Path, q.Path)
		set(&s.CallTimeoutMS, q.CallTimeoutMS)
		set(&s.MaxBody, q.MaxBody)
		set(&s.Rate, q.Rate)
		if q.Restart && !s.Running {
			return problem(http.StatusConflict, v1.CodeBadRequest, "service %q is stopped", name).Try("tccloud service start %s", name)
		}
		if q.Restart {
			s.Restarted++
		}
		var err error
		if s.Params, err = changedParams("service", s.Params, q.Params, q.Unset); err != nil {
			return err
		}
		if before.Environment == s.Environment && before.Server == s.Server && before.App == s.App && before.Version == s.Version && maps.Equal(before.Params, s.Params) {
			return nil // a service can be stopped while its App is gone
		}
		app, err := a.Catalog.Get(r.Context(), s.App, s.Version)
		if err != nil {
			return err
		}
		if s.Runtime = app.Runtime; s.Runtime != before.Runtime {
			return problem(http.StatusConflict, v1.CodeBadRequest, "App %q is of kind %s, the service of kind %s", s.App, app.Runtime, before.Runtime)
		}
		_, err = a.serviceOrder(r.Context(), s, "")
		return err
	})
	if err != nil {
		return err
	}
	a.Logger.Info("service changed", "service", name)
	answer(w, http.StatusOK, a.showService(v))
	return nil
}

func (a *API) removeService(w http.ResponseWriter, r *http.Request) error {
	return a.removed(w, r, "service", a.Services.Remove)
}

// serviceToken makes a new token for callers, in place of the one before.
func (a *API) serviceToken(w http.ResponseWriter, r *http.Request) error {
	token, name := rand.Text(), r.PathValue("name")
	_, err := a.Services.Change(r.Context(), name, func(s *services.Service) error {
		if !s.Calls() {
			return problem(http.StatusConflict, v1.CodeBadRequest, "service %q has no path that could be called", name)
		}
		s.Token = services.Digest(token)
		return nil
	})
	if err != nil {
		return err
	}
	a.Logger.Info("token of a service was made anew", "service", name)
	answer(w, http.StatusCreated, v1.Token{Token: token})
	return nil
}

// serviceOrder is the request that makes the order of an instance.
func (a *API) serviceOrder(ctx context.Context, s *services.Service, id wire.OrderID) (dispatch.Request, error) {
	order, err := a.request(ctx, v1.NewExecution{
		ID: id, Environment: s.Environment, Server: s.Server, App: s.App, Version: s.Version, Params: s.Params, Limits: s.Limits,
	})
	if err != nil {
		return order, err
	}
	if !order.Runtime.Service() {
		return order, problem(http.StatusConflict, v1.CodeBadRequest, "App %q is no service App (%s)", s.App, order.Runtime)
	}
	order.Service = &wire.ServiceSpec{ID: max(1, s.ID), Name: s.Name}
	_, err = a.Dispatcher.Draft(order)
	return order, err
}

// RunService makes the order of an instance, see [services.Orders].
func (a *API) RunService(ctx context.Context, s *services.Service, id wire.OrderID) error {
	order, err := a.serviceOrder(ctx, s, id)
	if err == nil {
		_, err = a.Dispatcher.Submit(ctx, order)
	}
	return refusedFor(services.ErrRefused, err)
}

// RunForEvent makes the order of the App that an event starts, see [services.Orders].
func (a *API) RunForEvent(ctx context.Context, s *services.Service, start *services.Start, kvContext string, id wire.OrderID) error {
	q := v1.NewExecution{ID: id, Environment: s.Environment, App: start.App, Version: start.Version, Params: start.Params, KVContext: kvContext}
	order, err := a.request(ctx, q)
	if err == nil && order.Runtime != wire.RuntimePlaybook {
		order.KVContext = ""
	}
	if err == nil {
		_, err = a.Dispatcher.Submit(ctx, order)
	}
	return refusedFor(services.ErrRefused, err)
}

// refusedFor wraps refused around an error that another try does not mend.
func refusedFor(refused, err error) error {
	var p *v1.Error
	switch {
	case err == nil, errors.Is(err, dispatch.ErrExists):
		return err
	case errors.As(err, &p), errors.Is(err, dispatch.ErrInvalid), errors.Is(err, catalog.ErrNotFound), errors.Is(err, catalog.ErrRange), errors.Is(err, registry.ErrNotFound):
		return fmt.Errorf("%w: %w", refused, err)
	}
	return err
}
