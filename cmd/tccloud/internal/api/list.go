package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// maxText is the longest text that executions are searched for, in bytes.
const maxText = 256

// executions lists them, see v1.
func (a *API) executions(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	f, err := a.filter(r.Context(), query)
	if err != nil {
		return err
	}
	limit := 100
	if s := query.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > dispatch.MostListed {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "limit %.20q is outside 1–%d", s, dispatch.MostListed)
		}
	}
	page, err := a.Dispatcher.List(r.Context(), f, query.Get("cursor"), limit)
	if err != nil {
		return err
	}
	list := make([]v1.Execution, len(page.Executions))
	for i, e := range page.Executions {
		list[i] = a.show(r.Context(), e)
	}
	if page.Next != "" {
		w.Header().Set(v1.HeaderNext, page.Next)
	}
	answer(w, http.StatusOK, list)
	return nil
}

// filter reads what is asked for. A server is named by its XID or its name, an App by its name or as
// NAME@VERSION.
func (a *API) filter(ctx context.Context, query url.Values) (dispatch.Filter, error) {
	f := dispatch.Filter{Environment: query.Get("environment"), Text: query.Get("q")}
	if p, _ := access.From(ctx); p.Limited() {
		f.Within = p.Environments
	}
	if f.Environment != "" {
		if err := mustSee(ctx, f.Environment); err != nil {
			return f, err
		}
	}
	f.App, f.Version, _ = strings.Cut(query.Get("app"), "@")
	var err error
	if f.State, err = state(query.Get("state")); err != nil {
		return f, err
	}
	if f.Since, err = moment(query, "since"); err != nil {
		return f, err
	}
	if f.Until, err = moment(query, "until"); err != nil {
		return f, err
	}
	if len(f.Text) > maxText {
		return f, problem(http.StatusBadRequest, v1.CodeBadRequest, "the text is longer than %d bytes", maxText)
	}
	if s := query.Get("server"); s != "" {
		if f.Server, err = a.serverOf(ctx, f.Environment, s); err != nil {
			return f, err
		}
	}
	if f.Text != "" {
		f.Jobs = a.Jobs.Named(f.Text)
	}
	return f, nil
}

// state reads a state, an outcome, or one of the words for several states.
func state(s string) (wire.State, error) {
	switch state := wire.State(s); state {
	case "", dispatch.Active, dispatch.Ended, wire.StateQueued, wire.StateDelivered, wire.StateAccepted, wire.StatePreparing, wire.StateRunning:
		return state, nil
	}
	if wire.Outcome(s).Valid() {
		return wire.State(s), nil
	}
	return "", problem(http.StatusBadRequest, v1.CodeBadRequest, "%.40q is no state of an execution", s).
		Try("active, ended, queued, delivered, accepted, preparing, running, succeeded, partial, failed, cancelled, timed_out, interrupted or rejected")
}

// moment reads a time, the zero one where it is not given.
func moment(query url.Values, name string) (time.Time, error) {
	s := query.Get(name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, problem(http.StatusBadRequest, v1.CodeBadRequest, "%s: %.40q is no time", name, s).Try("it is written as 2026-11-30T08:00:00Z")
	}
	return t, nil
}

// serverOf returns the XID of a server, which may be gone. A name has to be that of one server.
func (a *API) serverOf(ctx context.Context, environment, s string) (wire.ServerXID, error) {
	var found wire.ServerXID
	for _, e := range a.Registry.Servers(environment) {
		if !sees(ctx, e.Environment) {
			continue
		}
		if e.XID == wire.ServerXID(s) {
			return e.XID, nil
		}
		if e.Name != s {
			continue
		}
		if found != "" {
			return "", problem(http.StatusBadRequest, v1.CodeBadRequest, "several servers are called %.70q", s).Try("name its XID, or its Environment as well")
		}
		found = e.XID
	}
	if found == "" {
		found = wire.ServerXID(s)
	}
	if !found.Valid() {
		return "", problem(http.StatusBadRequest, v1.CodeBadRequest, "%.70q is no server", s)
	}
	return found, nil
}
