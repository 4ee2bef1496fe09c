package api

import (
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// defaultJob stands in names of Playbook variables where nobody gave one.
const defaultJob = 1

func (a *API) run(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewExecution
	if err := read(w, r, &q); err != nil {
		return err
	}
	env, err := a.Registry.Environment(q.Environment)
	if err != nil {
		return err
	}
	if !env.Active {
		return problem(http.StatusConflict, v1.CodeInactive, "environment %q is not active", env.Name).
			Try("tccloud env activate %s", env.Name)
	}
	app, err := a.Catalog.Get(r.Context(), q.App, q.Version)
	if err != nil {
		return err
	}
	order, err := compose(q, app)
	if err != nil {
		return err
	}
	if len(q.KV) > 0 { // before the order: its App may start at once
		order.KVContext = uuid.NewString()
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
	a.Logger.Info("order submitted", "order", e.ID, "environment", e.Environment, "app", app.Name, "version", app.Version)
	answer(w, http.StatusCreated, a.show(e))
	return nil
}

// operator is the one user of this cloud, in tc_user_id.
const operator = "1"

// platform are the parameters that Apps get of the platform besides those the agent
// knows. An order's own parameters may say otherwise.
func platform(environment string, app v1.App) map[string]string {
	p := map[string]string{"tc_user_id": operator, "api_default_org": environment}
	if app.Runtime == wire.RuntimeJob {
		p["tc_job_id"] = jobID(environment, app.Name)
	}
	return p
}

// jobID numbers the runs of one App in one Environment, as those of a job that is set up
// once: Apps keep state under it. TcEx reads it as a number, Java as one of 31 bits.
func jobID(environment, app string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, environment+"/"+app)
	return strconv.FormatUint(uint64(max(1, h.Sum32()&math.MaxInt32)), 10)
}

// compose makes an order from what an operator asked for. Errors name
// parameters and never quote their values.
func compose(q v1.NewExecution, app v1.App) (dispatch.Request, error) {
	bad := func(format string, args ...any) (dispatch.Request, error) {
		return dispatch.Request{}, problem(http.StatusBadRequest, v1.CodeBadRequest, format, args...)
	}
	params := make(map[string]string, len(app.Params))
	var names []string
	for _, p := range app.Params {
		names = append(names, p.Name)
		if p.Default != "" {
			params[p.Name] = p.Default
		}
	}
	for name, value := range q.Params {
		if !slices.Contains(names, name) && !strings.HasPrefix(name, "tc_") && !strings.HasPrefix(name, "api_") {
			return dispatch.Request{}, problem(http.StatusBadRequest, v1.CodeBadRequest, "App %q has no parameter %.80q", app.Name, name).
				Try("it has: %s", strings.Join(names, ", "))
		}
		params[name] = value
	}
	for _, p := range app.Params {
		if _, given := params[p.Name]; p.Required && !given {
			return bad("App %q needs parameter %q", app.Name, p.Name)
		}
	}
	outputs := q.OutVariables
	if app.Runtime == wire.RuntimePlaybook && outputs == nil {
		for _, o := range app.Outputs {
			outputs = append(outputs, fmt.Sprintf("#App:%d:%s!%s", defaultJob, o.Name, o.Type))
		}
	}
	if app.Runtime != wire.RuntimePlaybook && len(q.KV)+len(outputs) > 0 {
		return bad("App %q is no Playbook App: it has no variables", app.Name)
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
		Environment: q.Environment, App: app.AppRef, Runtime: app.Runtime, Params: params,
		Defaults:     platform(q.Environment, app),
		OutVariables: outputs, Timeout: timeout, Priority: priority, Retryable: q.Retryable,
	}, nil
}
