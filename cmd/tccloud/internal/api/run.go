package api

import (
	"errors"
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

// platform returns the parameters that Apps get from the platform, besides those that the agent
// knows. An order's own parameters override them.
func platform(environment string, app v1.App) map[string]string {
	p := map[string]string{"tc_user_id": operator, "api_default_org": environment}
	if app.Runtime == wire.RuntimeJob {
		p["tc_job_id"] = jobID(environment, app.Name)
	}
	return p
}

// jobID is the same number for all runs of one App in one Environment, like the id of a job that is
// set up once: Apps keep state under it. TcEx reads it as a number, Java as one of 31 bits.
func jobID(environment, app string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, environment+"/"+app)
	return strconv.FormatUint(uint64(max(1, h.Sum32()&math.MaxInt32)), 10)
}

// compose makes an order of an operator's request. Errors name parameters and never quote their
// values.
func compose(q v1.NewExecution, app v1.App) (dispatch.Request, error) {
	in, err := declared(app).Complete(inputs.Values{Params: q.Params, KV: q.KV}, q.OutVariables)
	if r, ok := errors.AsType[*inputs.Refusal](err); ok {
		return dispatch.Request{}, problem(http.StatusBadRequest, v1.CodeBadRequest, "%s", r.Why).Try("%s", r.Try)
	}
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
		Environment: q.Environment, App: app.AppRef, Runtime: app.Runtime, Params: in.Params,
		Defaults:     platform(q.Environment, app),
		OutVariables: in.OutVariables, Timeout: timeout, Priority: priority, Retryable: q.Retryable,
	}, nil
}

// declared returns what the catalog knows of an App's inputs.
func declared(app v1.App) inputs.App {
	a := inputs.App{Name: app.Name, Playbook: app.Runtime == wire.RuntimePlaybook}
	for _, p := range app.Params {
		a.Params = append(a.Params, inputs.Param{Name: p.Name, Required: p.Required, Default: p.Default})
	}
	for _, o := range app.Outputs {
		a.Outputs = append(a.Outputs, inputs.Output{Name: o.Name, Type: o.Type})
	}
	return a
}
