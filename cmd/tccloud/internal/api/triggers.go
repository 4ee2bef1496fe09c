package api

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/services"
)

func showTrigger(t services.Trigger, i *services.Instance) v1.Trigger {
	out := v1.Trigger{
		ID: t.ID, Name: t.Name, Params: slices.Sorted(maps.Keys(t.Params)), Outputs: t.Outputs, Webhook: t.Webhook != "", Created: t.Created, State: "waiting",
	}
	if t.Start != nil {
		out.Starts = t.Start.App
		if t.Start.Version != "" {
			out.Starts += "@" + t.Start.Version
		}
	}
	if i != nil {
		if g, ok := i.Triggers[t.ID]; ok && g.Problem == "" {
			out.State = "active"
		} else if ok {
			out.State, out.Problem = "refused", g.Problem
		}
	}
	return out
}

func (a *API) addTrigger(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewTrigger
	if err := read(w, r, &q); err != nil {
		return err
	}
	name, token := r.PathValue("name"), ""
	var made services.Trigger
	v, err := a.Services.Change(r.Context(), name, func(s *services.Service) error {
		if !s.HasTriggers() {
			return problem(http.StatusConflict, v1.CodeBadRequest, "service %q is a %s: it has no triggers", name, s.Runtime)
		}
		app, err := a.Catalog.Get(r.Context(), s.App, s.Version)
		if err != nil {
			return err
		}
		in, err := complete(app.TriggerInputs(), inputs.Values{Params: q.Params}, nil)
		if err != nil {
			return err
		}
		if q.Start != nil {
			if _, err := a.Catalog.Get(r.Context(), q.Start.App, q.Start.Version); err != nil {
				return err
			}
		}
		s.LastTrigger++
		made = services.Trigger{ID: s.LastTrigger, Name: q.Name, Params: in.Params, Outputs: q.Outputs, Start: q.Start, Created: time.Now().UTC().Truncate(time.Second)}
		if made.Outputs == nil {
			for _, o := range app.Outputs {
				made.Outputs = append(made.Outputs, fmt.Sprintf("#Trigger:%d:%s!%s", made.ID, o.Name, o.Type))
			}
		}
		if s.Webhooks() {
			token = rand.Text()
			made.Webhook = services.Digest(token)
		}
		s.Triggers = append(s.Triggers, made)
		return nil
	})
	if err != nil {
		return err
	}
	a.Logger.Info("trigger added", "service", name, "trigger", q.Name)
	out := showTrigger(made, v.State.Current)
	if token != "" {
		out.URL = a.APIURL + WebhookPath + token
	}
	answer(w, http.StatusCreated, out)
	return nil
}

func (a *API) removeTrigger(w http.ResponseWriter, r *http.Request) error {
	name, trigger := r.PathValue("name"), r.PathValue("trigger")
	_, err := a.Services.Change(r.Context(), name, func(s *services.Service) error {
		i := slices.IndexFunc(s.Triggers, func(t services.Trigger) bool { return t.Name == trigger })
		if i < 0 {
			return problem(http.StatusNotFound, v1.CodeNotFound, "service %q has no trigger %.80q", name, trigger).Try("tccloud trigger list %s", name)
		}
		s.Triggers = slices.Delete(s.Triggers, i, i+1)
		return nil
	})
	if err != nil {
		return err
	}
	a.Logger.Info("trigger removed", "service", name, "trigger", trigger)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mostEvents bounds a list of events.
const mostEvents = 1000

func (a *API) serviceEvents(w http.ResponseWriter, r *http.Request) error {
	n := 100
	if given := r.URL.Query().Get("n"); given != "" {
		var err error
		if n, err = strconv.Atoi(given); err != nil || n < 1 || n > mostEvents {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "n %.20q is outside 1–%d", given, mostEvents)
		}
	}
	list, err := a.Services.ListEvents(r.Context(), r.PathValue("name"), n)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}
