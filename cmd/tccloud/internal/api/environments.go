package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

func (a *API) status(w http.ResponseWriter, r *http.Request) error {
	p, _ := access.From(r.Context())
	servers := slices.DeleteFunc(a.Registry.Servers(""), func(s registry.Server) bool { return !p.Sees(s.Environment) })
	connected, unknown, apart, idle, cloned := 0, 0, 0, 0, 0
	for _, s := range servers {
		if s.Twin != nil {
			cloned++
		}
		session, state := a.Sessions.Look(s.XID)
		switch state {
		case roster.Unknown:
			unknown++
		case roster.Connected:
			connected++
			if session.Skew.Abs() > clock.Tolerated {
				apart++
			}
			if session.Info != nil && session.Info.Unfit != nil {
				idle++
			}
		}
	}
	answer(w, http.StatusOK, v1.Status{
		TakingNone: idle, Cloned: cloned, ClocksApart: apart, Time: time.Now().UTC().Truncate(time.Second),
		Version: a.Version, Started: a.started, APIURL: a.APIURL, BrokerHost: a.BrokerHost(),
		Environments: len(a.seen(r.Context())), Servers: len(servers), Connected: connected, Unknown: unknown, Health: a.Health.Report(),
	})
	return nil
}

// seen are the Environments that exist for who makes the request.
func (a *API) seen(ctx context.Context) []registry.Environment {
	return slices.DeleteFunc(a.Registry.Environments(), func(e registry.Environment) bool { return !sees(ctx, e.Name) })
}

// figures adds to an Environment its servers, orders and executions.
func (a *API) figures(ctx context.Context, e registry.Environment) (v1.Environment, error) {
	out := v1.Environment{Environment: e}
	for _, s := range a.Registry.Servers(e.Name) {
		out.Servers++
		switch _, state := a.Sessions.Look(s.XID); state {
		case roster.Connected:
			out.Connected++
		case roster.Unknown:
			out.Unknown++
		}
	}
	stats, err := a.Dispatcher.Stats(ctx, e.Name)
	out.Queued, out.Running = stats.Queued, stats.Running
	out.Today, out.Week, out.Month = stats.Day, stats.Week, stats.Month
	out.QueueWaitMS = float64(stats.QueueWait.Microseconds()) / 1000
	return out, err
}

func (a *API) environments(w http.ResponseWriter, r *http.Request) error {
	list := []v1.Environment{}
	for _, e := range a.seen(r.Context()) {
		one, err := a.figures(r.Context(), e)
		if err != nil {
			return err
		}
		list = append(list, one)
	}
	answer(w, http.StatusOK, list)
	return nil
}

func (a *API) environment(w http.ResponseWriter, r *http.Request) error {
	e, err := a.Registry.Environment(r.PathValue("name"))
	if err != nil {
		return err
	}
	one, err := a.figures(r.Context(), e)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, one)
	return nil
}

func (a *API) createEnvironment(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewEnvironment
	if err := read(w, r, &q); err != nil {
		return err
	}
	e, err := a.Registry.CreateEnvironment(r.Context(), q.Name, q.Owner)
	if err != nil {
		return err
	}
	a.Logger.Info("environment created", "environment", e.Name, "owner", e.Owner)
	answer(w, http.StatusCreated, v1.Environment{Environment: e})
	return nil
}

func (a *API) changeEnvironment(w http.ResponseWriter, r *http.Request) error {
	var q v1.ChangeEnvironment
	if err := read(w, r, &q); err != nil {
		return err
	}
	name := r.PathValue("name")
	e, err := a.Registry.Environment(name)
	if err == nil && q.Active != nil && e.Active != *q.Active {
		e, err = a.Registry.SetActive(r.Context(), name, *q.Active)
		a.Logger.Info("environment changed", "environment", name, "active", *q.Active)
	}
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, v1.Environment{Environment: e})
	return nil
}

// deleteEnvironment removes an Environment. One that has servers or unfinished executions is
// removed only with force; the servers are removed too, and the executions cancelled.
func (a *API) deleteEnvironment(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, err := a.Registry.Environment(name); err != nil {
		return err
	}
	unfinished, err := a.Dispatcher.Unfinished(r.Context(), name)
	if err != nil {
		return err
	}
	servers := len(a.Registry.Servers(name))
	if !flag(r, "force") && servers+len(unfinished) > 0 {
		return problem(http.StatusConflict, v1.CodeInUse, "environment %q has %d servers and %d unfinished executions", name, servers, len(unfinished)).
			Try("--force removes the servers and cancels the executions")
	}
	if err := a.Registry.DeleteEnvironment(r.Context(), name); err != nil {
		return err
	}
	for _, e := range unfinished {
		if err := a.Dispatcher.Cancel(r.Context(), e.ID, "the environment was removed"); err != nil && describe(err).Code != v1.CodeEnded {
			return err
		}
	}
	a.Logger.Info("environment removed", "environment", name, "servers", servers, "cancelled", len(unfinished))
	w.WriteHeader(http.StatusNoContent)
	return nil
}
