package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// showJob returns a Job as operators see it.
func (a *API) showJob(ctx context.Context, v jobs.View) v1.Job {
	j := v.Job
	out := v1.Job{
		Name: j.Name, ID: j.ID, SHA256: j.SHA256, Sealed: a.sealedJob(&j), Environment: j.Environment, Server: j.Server, App: j.App, Version: j.Version,
		Params: slices.Sorted(maps.Keys(j.Params)), TimeoutMS: j.TimeoutMS, Priority: j.Priority, Limits: j.Limits,
		Schedule: j.Schedule, Zone: j.Zone, Paused: j.Paused, Missed: j.Missed,
		Retries: j.Retries, RetryDelayMS: j.RetryDelayMS, Notify: j.Notify != "",
		Created: j.Created, Next: v.Next, Run: v.State.Run, Left: v.State.Left, History: v.State.History,
	}
	if out.History == nil {
		out.History = []jobs.Run{}
	}
	if app, err := a.Catalog.Find(ctx, j.App, j.Version); err == nil {
		out.Takes = app.Version
		out.Unused = unused(app, j.Params)
	}
	a.hideSecrets(ctx, &out)
	return out
}

func (a *API) jobs(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Jobs.List(r.Context())
	if err != nil {
		return err
	}
	list := []v1.Job{}
	for _, v := range all { // of all Jobs together that may be a lot
		if !sees(r.Context(), v.Job.Environment) {
			continue
		}
		v.State.Left, v.State.History = nil, v.State.History[:min(1, len(v.State.History))]
		list = append(list, a.showJob(r.Context(), v))
	}
	answer(w, http.StatusOK, list)
	return nil
}

func (a *API) job(w http.ResponseWriter, r *http.Request) error {
	v, err := a.Jobs.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	j := a.showJob(r.Context(), v)
	if j.Run != nil && j.Run.Version == "" {
		if e, err := a.Dispatcher.Get(r.Context(), j.Run.Order); err == nil {
			run := *j.Run
			run.Version, j.Run = e.App.Version, &run
		}
	}
	answer(w, http.StatusOK, j)
	return nil
}

func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewJob
	if err := read(w, r, &q); err != nil {
		return err
	}
	j := jobs.Job{
		Name: q.Name, ID: q.ID, SHA256: q.SHA256, Environment: q.Environment, Server: q.Server, App: q.App, Version: q.Version, Params: q.Params,
		TimeoutMS: q.TimeoutMS, Priority: q.Priority, Limits: q.Limits, Schedule: q.Schedule, Zone: q.Zone, Paused: q.Paused,
		Missed: q.Missed, Retries: q.Retries, RetryDelayMS: q.RetryDelayMS, Notify: q.Notify,
	}
	if err := a.possible(r.Context(), &j, j.Params); err != nil {
		return err
	}
	v, err := a.Jobs.Create(r.Context(), j)
	if err != nil {
		return err
	}
	a.Logger.Info("Job created", "job", j.Name, "environment", j.Environment, "app", j.App, "schedule", j.Schedule)
	answer(w, http.StatusCreated, a.showJob(r.Context(), v))
	return nil
}

// possible refuses a Job of which no order with the parameters can be made as things are now.
func (a *API) possible(ctx context.Context, j *jobs.Job, params map[string]string) error {
	app, err := a.Catalog.Find(ctx, j.App, j.Version)
	if err != nil {
		return err
	}
	order, err := a.request(ctx, asExecution(j, app, params))
	if err == nil {
		err = errors.Join(packageOf(j, app), a.openable(j))
	}
	if err != nil {
		return err
	}
	if order.Runtime != wire.RuntimeJob {
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "App %q is no Organization App (runtime level %s): nobody would give a Job Playbook variables", j.App, order.Runtime)
	}
	_, err = a.Dispatcher.Draft(order)
	return err
}

func (a *API) changeJob(w http.ResponseWriter, r *http.Request) error {
	var q v1.ChangeJob
	if err := read(w, r, &q); err != nil {
		return err
	}
	name := r.PathValue("name")
	v, err := a.Jobs.Change(r.Context(), name, jobs.Edit{Set: q.Left, Forget: q.Forget}, func(j *jobs.Job) error {
		if err := mustSee(r.Context(), j.Environment); err != nil { // it was moved meanwhile
			return err
		}
		before := *j
		if err := changed(j, q); err != nil {
			return err
		}
		if len(q.Left) > 0 {
			if err := a.leavable(r.Context(), j, q.Left); err != nil {
				return err
			}
		}
		params := j.Params
		switch {
		case before.App != j.App || before.Version != j.Version || before.SHA256 != j.SHA256:
		case before.Environment == j.Environment && before.Server == j.Server && before.Limits == j.Limits && maps.Equal(before.Params, j.Params):
			return nil // a Job can be paused while its App is gone
		default: // what a newer version of the App has no parameter for is no reason to refuse another change
			if app, err := a.Catalog.Find(r.Context(), j.App, j.Version); err == nil {
				params = runParams(app, j.Params, nil)
				maps.Copy(params, q.Params)
			}
		}
		return a.possible(r.Context(), j, params)
	})
	if err != nil {
		return err
	}
	a.Logger.Info("Job changed", "job", name)
	answer(w, http.StatusOK, a.showJob(r.Context(), v))
	return nil
}

// leavable refuses what no run of the Job's App can leave: it would never be used.
func (a *API) leavable(ctx context.Context, j *jobs.Job, left map[string]string) error {
	app, err := a.Catalog.Find(ctx, j.App, j.Version)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if slices.Contains(j.Sealed(), name) {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "parameter %.80q of the Job is sealed: what runs leave does not replace it", name)
		}
		if !slices.ContainsFunc(app.Params, func(p catalog.Param) bool { return p.Name == name }) {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "App %q has no parameter %.80q", app.Name, name).Try("\"tccloud app show %s\" lists them", app.Name)
		}
	}
	return nil
}

func changed(j *jobs.Job, q v1.ChangeJob) error {
	before := *j
	set(&j.Environment, q.Environment)
	set(&j.Server, q.Server)
	set(&j.App, q.App)
	set(&j.Version, q.Version)
	if q.App != nil || q.Version != nil { // the package before is another one's
		j.SHA256 = ""
	}
	set(&j.SHA256, q.SHA256)
	set(&j.TimeoutMS, q.TimeoutMS)
	set(&j.Limits.MemoryMB, q.MemoryMB)
	set(&j.Limits.Tasks, q.Tasks)
	set(&j.Limits.CPUWeight, q.CPUWeight)
	set(&j.Schedule, q.Schedule)
	set(&j.Zone, q.Zone)
	set(&j.Paused, q.Paused)
	set(&j.Missed, q.Missed)
	set(&j.Retries, q.Retries)
	set(&j.RetryDelayMS, q.RetryDelayMS)
	set(&j.Notify, q.Notify)
	if q.Priority != nil {
		j.Priority = q.Priority
	}
	var err error
	if j.Params, err = changedParams("Job", j.Params, q.Params, q.Unset); err != nil {
		return err
	}
	return resealed(&before, j)
}

func (a *API) removeJob(w http.ResponseWriter, r *http.Request) error {
	return a.removed(w, r, "Job", a.Jobs.Remove)
}

func (a *API) runJob(w http.ResponseWriter, r *http.Request) error {
	id, err := a.Jobs.Start(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	answer(w, http.StatusAccepted, v1.Started{Execution: id})
	return nil
}

// RunJob makes the order of a Job's run, see [jobs.Orders].
func (a *API) RunJob(ctx context.Context, j *jobs.Job, id wire.OrderID, left map[string]string) error {
	var order dispatch.Request
	app, err := a.Catalog.Find(ctx, j.App, j.Version)
	if err == nil {
		err = errors.Join(packageOf(j, app), a.openable(j))
	}
	if err == nil {
		order, err = a.request(ctx, asExecution(j, app, runParams(app, j.Params, left)))
	}
	if err == nil {
		order.ID = id
		order.Defaults["tc_job_id"] = number("job/" + string(j.ID))
		_, err = a.Dispatcher.Submit(ctx, order)
	}
	return refusedFor(jobs.ErrRefused, err)
}
