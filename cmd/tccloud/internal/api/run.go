package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

func (a *API) run(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewExecution
	if err := read(w, r, &q); err != nil {
		return err
	}
	if q.Signature != "" && (q.ID == "" || q.Draft == "") {
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "a signature needs the id and the draft that it is for")
	}
	order, err := a.request(r.Context(), q)
	if err == nil {
		err = notService(order)
	}
	if err != nil {
		return err
	}
	if q.ID != "" { // before variables are set, which could be those of the order that has the id
		if _, err := a.Dispatcher.Get(r.Context(), q.ID); err == nil {
			return fmt.Errorf("order %q: %w", q.ID, dispatch.ErrExists)
		} else if !errors.Is(err, dispatch.ErrNotFound) {
			return err
		}
	}
	if q.Draft != "" {
		if err := a.unchanged(order, q); err != nil {
			return err
		}
	}
	if len(q.KV) > 0 { // before the order: its App may start at once
		order.KVContext = cmp.Or(order.KVContext, uuid.NewString())
		for name, value := range q.KV {
			if err := a.AppStore.Put(r.Context(), order.KVContext, name, []byte(value)); err != nil {
				return err
			}
		}
	}
	e, err := a.Dispatcher.Submit(r.Context(), order)
	if err != nil {
		return err
	}
	a.Logger.Info("order submitted", "order", e.ID, "environment", e.Environment, "app", e.App.Name, "version", e.App.Version)
	answer(w, http.StatusCreated, a.show(r.Context(), e))
	return nil
}

// request makes an order of an operator's request, if its Environment takes any.
func (a *API) request(ctx context.Context, q v1.NewExecution) (dispatch.Request, error) {
	if err := mustSee(ctx, q.Environment); err != nil {
		return dispatch.Request{}, err
	}
	env, err := a.Registry.Environment(q.Environment)
	if err != nil {
		return dispatch.Request{}, err
	}
	if !env.Active {
		return dispatch.Request{}, problem(http.StatusConflict, v1.CodeInactive, "environment %q is not active", env.Name).
			Try("tccloud env activate %s", env.Name)
	}
	if q.Server != "" {
		if s, err := a.Registry.Server(q.Server); err != nil || s.Environment != env.Name {
			return dispatch.Request{}, problem(http.StatusNotFound, v1.CodeNotFound, "environment %q has no server %.70q", env.Name, string(q.Server)).
				Try("tccloud server list")
		}
	}
	app, err := a.Catalog.Get(ctx, q.App, q.Version)
	if err != nil {
		return dispatch.Request{}, err
	}
	return compose(q, app)
}

// draft answers with the order that a request would make, and stores nothing.
func (a *API) draft(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewExecution
	if err := read(w, r, &q); err != nil {
		return err
	}
	if q.Signature != "" || q.Draft != "" {
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "a draft is made before it is signed")
	}
	order, err := a.request(r.Context(), q)
	if err == nil {
		err = notService(order)
	}
	if err != nil {
		return err
	}
	if len(q.KV) > 0 {
		order.KVContext = cmp.Or(order.KVContext, uuid.NewString())
	}
	m, err := a.Dispatcher.Draft(order)
	if err != nil {
		return err
	}
	sum, err := digest(m)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, v1.Draft{Environment: q.Environment, Order: m, SHA256: sum})
	return nil
}

// unchanged refuses a request of which another order would be made now than was drafted.
func (a *API) unchanged(order dispatch.Request, q v1.NewExecution) error {
	order.Signature = ""
	m, err := a.Dispatcher.Draft(order)
	if err != nil {
		return err
	}
	sum, err := digest(m)
	if err != nil {
		return err
	}
	if sum != q.Draft {
		return problem(http.StatusConflict, v1.CodeChanged, "order %q is not what was drafted: the App or the request has changed since", m.Order).
			Try("draft and sign it again")
	}
	return nil
}

// digest is what a submission repeats of its draft. It proves nothing to anybody else: what is
// signed is the order.
func digest(m *wire.Order) (wire.SHA256, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return wire.SHA256(hex.EncodeToString(sum[:])), nil
}

// operator is the one user of this cloud, in tc_user_id.
const operator = "1"

// fromPlatform returns the parameters that Apps get from the platform, besides those that the agent
// knows. An order's own parameters override them.
func fromPlatform(environment string, app v1.App) map[string]string {
	p := map[string]string{"tc_user_id": operator, "api_default_org": environment}
	if app.Runtime == wire.RuntimeJob {
		p["tc_job_id"] = number(environment + "/" + app.Name)
	}
	return p
}

// number is the tc_job_id of all runs of a Job, and of all runs by hand of one App in one
// Environment: Apps keep state under it. TcEx reads it as a number, Java as one of 31 bits.
func number(of string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, of)
	return strconv.FormatUint(uint64(max(1, h.Sum32()&math.MaxInt32)), 10)
}

// complete checks what an App is given, and adds defaults.
func complete(app inputs.App, given inputs.Values, outVariables []string) (inputs.Inputs, error) {
	in, err := app.Complete(given, outVariables)
	if r, ok := errors.AsType[*inputs.Refusal](err); ok {
		return in, problem(http.StatusBadRequest, v1.CodeBadRequest, "%s", r.Why).Try("%s", r.Try)
	}
	return in, err
}

// notService refuses to run a service App by hand.
func notService(order dispatch.Request) error {
	if !order.Runtime.Service() {
		return nil
	}
	return problem(http.StatusConflict, v1.CodeBadRequest, "App %q is a service App (%s): it is not run once", order.App.Name, order.Runtime).
		Try("tccloud service create NAME ENV %s", order.App.Name)
}

// compose makes an order of an operator's request. Errors name parameters and never quote their
// values.
func compose(q v1.NewExecution, app v1.App) (dispatch.Request, error) {
	in, err := complete(app.Inputs(), inputs.Values{Params: q.Params, KV: q.KV}, q.OutVariables)
	if err != nil {
		return dispatch.Request{}, err
	}
	timeout := time.Duration(q.TimeoutMS) * time.Millisecond
	if q.TimeoutMS == 0 {
		timeout = time.Duration(app.TimeoutMinutes) * time.Minute
	}
	priority := dispatch.DefaultPriority
	if q.Priority != nil {
		priority = *q.Priority
	}
	return dispatch.Request{
		ID: q.ID, KVContext: q.KVContext, Signature: q.Signature,
		Environment: q.Environment, Server: q.Server, App: app.AppRef, Runtime: app.Runtime, Params: in.Params,
		Defaults:     fromPlatform(q.Environment, app),
		OutVariables: in.OutVariables, Timeout: timeout, Priority: priority, Retryable: q.Retryable, Limits: q.Limits,
	}, nil
}
