package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// A Job outlives versions of its App. A version that does not declare a parameter does not read it:
// a run goes on without what is stored under that name, as the platform keeps declared parameters only
// (contract §3). What a version wants and the Job has not is a refusal.

// declares reports whether an App may be given a parameter.
func declares(app v1.App, name string) bool {
	return strings.HasPrefix(name, "tc_") || strings.HasPrefix(name, "api_") ||
		slices.ContainsFunc(app.Params, func(p catalog.Param) bool { return p.Name == name })
}

// runParams are the parameters of a Job's run: those of the Job that the App has, and what runs left.
func runParams(app v1.App, params, left map[string]string) map[string]string {
	all := map[string]string{}
	for name, value := range params {
		if declares(app, name) {
			all[name] = value
		}
	}
	for _, p := range app.Params {
		if value, ok := left[p.Name]; ok && !envelope.IsSealed(all[p.Name]) {
			all[p.Name] = value
		}
	}
	return all
}

// packageOf refuses another package than the one that the Job's sealed parameters are for: a server
// would not open them.
func packageOf(j *jobs.Job, app v1.App) error {
	if j.SHA256 == "" || j.SHA256 == app.SHA256 {
		return nil
	}
	return problem(http.StatusConflict, v1.CodeChanged, "App %s@%s is another package than the one that the Job is for, with SHA-256 %s", app.Name, app.Version, j.SHA256).
		Try("seal its parameters for the other one: tccloud job edit %s --seal --package FILE.tcx", j.Name)
}

// resealed refuses a change after which sealed parameters would not open: they are for one Job,
// Environment and package, and all of them together.
func resealed(before, j *jobs.Job) error {
	was, is := before.Sealed(), j.Sealed()
	kept := slices.DeleteFunc(slices.Clone(is), func(name string) bool { return before.Params[name] != j.Params[name] })
	if len(kept) == 0 || len(kept) == len(is) && len(kept) == len(was) &&
		before.Environment == j.Environment && before.App == j.App && before.Version == j.Version && before.SHA256 == j.SHA256 {
		return nil
	}
	return problem(http.StatusConflict, v1.CodeChanged, "sealed parameters are for one Environment and package, and open together only: %s would not", strings.Join(kept, ", ")).
		Try("give all that are sealed again: tccloud job edit %s --param-file FILE --seal --package FILE.tcx", j.Name)
}

// sealedJob says which servers of the Environment open what is sealed in the Job, which do not and so
// get none of its runs (they came later, or have dropped the key), and when the first one will have
// dropped it.
func (a *API) sealedJob(j *jobs.Job) *v1.Sealing {
	s := &v1.Sealing{Params: j.Sealed()}
	if s.Params == nil {
		return nil
	}
	var keys []string
	for i, name := range s.Params {
		ids, err := envelope.Recipients(j.Params[name])
		if err != nil || !envelope.IsForJob(j.Params[name]) { // Check refuses it
			return nil
		}
		var these []string
		for _, id := range ids {
			if i == 0 || slices.Contains(keys, id.String()) {
				these = append(these, id.String())
			}
		}
		keys = these
	}
	open := map[wire.ServerXID]bool{}
	for _, server := range a.Registry.Openers(j.Environment, keys) {
		open[server.XID] = true
		s.To = append(s.To, server.Name)
		if until := a.Registry.OpensUntil(server.XID, keys); !until.IsZero() && (s.Until.IsZero() || until.Before(s.Until)) {
			s.Until = until
		}
	}
	for _, server := range a.Registry.Servers(j.Environment) {
		if server.Revoked == nil && !open[server.XID] {
			s.Not = append(s.Not, server.Name)
		}
	}
	return s
}

// openable refuses a run that no server could take.
func (a *API) openable(j *jobs.Job) error {
	if s := a.sealedJob(j); s == nil || len(s.To) > 0 {
		return nil
	}
	return problem(http.StatusConflict, v1.CodeChanged, "no server of environment %q opens the Job's sealed parameters: %s", j.Environment, strings.Join(j.Sealed(), ", ")).
		Try("seal them again: tccloud job edit %s --param-file FILE --seal --package FILE.tcx", j.Name)
}

// unused are the names of a Job's parameters that its App does not have.
func unused(app v1.App, params map[string]string) []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(params)), func(name string) bool { return declares(app, name) })
	if len(names) == 0 {
		return nil
	}
	return names
}

// jobsOf says which Jobs that take an App because it is the newest of those they may take have stored
// parameters that it does not have, or cannot run it.
func (a *API) jobsOf(ctx context.Context, app v1.App) ([]v1.JobNote, error) {
	all, err := a.Jobs.List(ctx)
	if err != nil {
		return nil, err
	}
	var notes []v1.JobNote
	for _, v := range all {
		j := v.Job
		if j.Version == app.Version || strings.ReplaceAll(j.App, " ", "_") != app.Name {
			continue
		}
		if next, err := a.Catalog.Find(ctx, j.App, j.Version); err != nil || next.Version != app.Version {
			continue
		}
		n := v1.JobNote{Job: j.Name, Unused: unused(app, j.Params)}
		if _, err := app.Inputs().Complete(inputs.Values{Params: runParams(app, j.Params, v.State.Left)}, nil); err != nil {
			n.Refused = err.Error()
		}
		if n.Refused != "" || n.Unused != nil {
			notes = append(notes, n)
		}
	}
	return notes, nil
}

// hidden stands in the place of a secret.
const hidden = "[hidden]"

// withoutSecrets are values that a run of an App left, without those that the App calls encrypted. A
// value of which nobody knows, because the App has no such parameter or is gone, is taken for one.
func (a *API) withoutSecrets(ctx context.Context, name, version string, left map[string]string) map[string]string {
	if len(left) == 0 {
		return left
	}
	app, _ := a.Catalog.Find(ctx, name, version)
	shown := map[string]string{}
	for name, value := range left {
		i := slices.IndexFunc(app.Params, func(p catalog.Param) bool { return p.Name == name })
		if i < 0 || app.Params[i].Encrypt {
			value = hidden
		}
		shown[name] = value
	}
	return shown
}

// hideSecrets does so for all that is shown of a Job.
func (a *API) hideSecrets(ctx context.Context, j *v1.Job) {
	j.Left = a.withoutSecrets(ctx, j.App, j.Version, j.Left)
	j.History = slices.Clone(j.History)
	for i := range j.History {
		j.History[i].Left = a.withoutSecrets(ctx, j.App, j.Version, j.History[i].Left)
	}
	if j.Run != nil && j.Run.Left != nil {
		run := *j.Run
		run.Left = a.withoutSecrets(ctx, j.App, j.Version, run.Left)
		j.Run = &run
	}
}

// asExecution is the request that makes the order of a Job's run.
func asExecution(j *jobs.Job, app v1.App, params map[string]string) v1.NewExecution {
	return v1.NewExecution{
		Environment: j.Environment, Server: j.Server, App: app.Name, Version: app.Version, Params: params,
		TimeoutMS: j.TimeoutMS, Priority: j.Priority, Limits: j.Limits,
	}
}
