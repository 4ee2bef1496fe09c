package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/api/upstream"
	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/app/vet"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Run is one run of one App.
type Run struct {
	File         *os.File      // the .tcx
	Given        inputs.Values // parameters and Playbook variables
	Variables    []Variable    // runtime variables
	OutVariables []string      // nil = all that the App declares
	Out          string        // folder for out/ and log/; "" = they are removed
	JobState     string        // file that remembers what runs left (results.tc) for the next one; "" = nothing does
	Timeout      time.Duration // 0 = the App's own, or the setting
	NoSandbox    bool          // run it as the user of this process
	// Platform is passed what the App asks of ThreatConnect; nil: there is none.
	Platform *upstream.Config
	Settings settings.Settings
	Home     paths.Paths   // its exchange is used if that is ours, and its private CAs count
	Path     string        // PATH in which interpreters are looked for
	Begin    func(Sandbox) // is called before the App runs; nil = nothing is called
	Warn     func(string)  // is told what is odd about the package; nil = nobody is

	Stdout, Stderr io.Writer
}

// Variable is a runtime variable, &{Source:TYPE:ID} in a parameter.
type Variable struct{ Source, ID, Data string }

// Result is the outcome of a Run.
type Result struct {
	Sandbox
	Outcome   wire.Outcome      `json:"outcome"`
	ExitCode  int               `json:"exit_code"`
	Signal    string            `json:"signal,omitempty"`
	Message   string            `json:"message,omitempty"`
	Results   map[string]string `json:"results,omitempty"`
	Variables map[string]string `json:"variables,omitempty"` // what a Playbook App wrote, as JSON
	Files     []string          `json:"files,omitempty"`     // published
	RunMS     int64             `json:"run_ms"`
	// Requests are what was passed on to the platform.
	Requests []upstream.Passed `json:"requests,omitempty"`
}

const kvContext = "local"

// Do runs the App and returns when it has ended. When ctx ends, the App is cancelled as an order
// would be. An error beside an outcome says which part of the outcome is missing.
func (r *Run) Do(ctx context.Context) (result Result, err error) {
	if err := r.vet(); err != nil {
		return Result{}, err
	}
	if r.NoSandbox {
		r.Settings.AppsRunner = "none"
	}
	jobs, err := parts.NewJobs(r.Settings, r.Home.State, slog.New(slog.DiscardHandler))
	if err != nil {
		return Result{}, err
	}
	if result.Sandbox, err = r.sandbox(jobs); err != nil {
		return Result{}, err
	}
	if r.Begin != nil {
		r.Begin(result.Sandbox)
	}
	var out *os.Root
	if r.Out != "" {
		if out, err = openKeep(r.Out); err != nil {
			return Result{}, err
		}
		defer out.Close()
	}
	place, err := r.place(ctx, jobs)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, place.leave(ctx, jobs)) }()
	var left map[string]string
	if r.JobState != "" {
		if left, err = readState(r.JobState); err != nil {
			return Result{}, err
		}
	}
	installed, in, err := r.install(ctx, place, left)
	if err != nil {
		return Result{}, err
	}
	store := api.NewMemory()
	cfg, instance := api.Config{Store: store}, new(platform)
	if r.Platform != nil {
		cfg.Platform = instance.serve
	}
	server, err := api.Listen(cfg)
	if err != nil {
		return Result{}, err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- server.Run(serving) }()
	defer func() { stop(); err = errors.Join(err, <-served) }()

	execution, pem, err := r.execution(ctx, place, jobs, installed, in, store)
	if err == nil && r.Platform != nil {
		err = instance.open(r, pem)
	}
	if err != nil {
		return Result{}, err
	}
	execution.APIPath = server.APIPath()
	var exit job.Exit
	if runtime, _ := installed.Manifest.Runtime(); runtime.Service() {
		exit, err = r.serve(ctx, jobs, installed, execution, store)
	} else {
		exit, err = r.run(ctx, jobs, installed, execution)
	}
	if err != nil {
		return Result{}, err
	}
	err = r.outcome(&result, installed, place.Job, exit)
	result.Variables = written(store, in.KV)
	if r.Platform != nil {
		var refused error
		result.Requests, refused = instance.requests()
		err = errors.Join(err, refused)
	}
	if r.JobState != "" && len(result.Results) > 0 {
		err = errors.Join(err, writeState(r.JobState, left, result.Results))
	}
	if out != nil {
		err = errors.Join(err, keep(place.Job, out))
	}
	return result, err
}

// vet refuses a package that the cloud would refuse.
func (r *Run) vet() error {
	problems := vet.Check(r.File)
	if err := vet.Refusal(problems); err != nil {
		return fmt.Errorf("reading App %q: %w", r.File.Name(), err)
	}
	for _, w := range vet.Warnings(problems) {
		if r.Warn != nil {
			r.Warn(w.String())
		}
	}
	return nil
}

// install unpacks the App. It refuses inputs that the App does not accept and Apps that no order
// runs.
func (r *Run) install(ctx context.Context, p *place, left map[string]string) (app.App, inputs.Inputs, error) {
	fail := func(err error) (app.App, inputs.Inputs, error) {
		if refusal, ok := errors.AsType[*inputs.Refusal](err); ok && refusal.Try != "" {
			err = fmt.Errorf("%w\nhint: %s", err, refusal.Try)
		}
		return app.App{}, inputs.Inputs{}, fmt.Errorf("running App %q: %w", r.File.Name(), err)
	}
	catalog, err := app.Open(app.CatalogConfig{Dir: p.programs})
	if err != nil {
		return fail(err)
	}
	installed, err := catalog.InstallFile(ctx, r.File)
	if err != nil {
		return app.App{}, inputs.Inputs{}, err
	}
	runtime, err := installed.Manifest.Runtime()
	if err != nil {
		return fail(err)
	}
	given := r.Given
	if r.JobState != "" {
		if runtime != wire.RuntimeJob {
			return fail(errors.New("only an Organization App leaves something for its next run"))
		}
		given.Params = carry(installed.Manifest, given.Params, left)
	}
	in, err := declared(installed.Manifest, runtime).Complete(given, r.OutVariables)
	if err != nil {
		return fail(err)
	}
	return installed, in, nil
}

// declared are the inputs that the App's manifest declares.
func declared(m app.Manifest, runtime wire.Runtime) inputs.App {
	a, defaults := inputs.App{Name: m.ProgramName, Playbook: runtime == wire.RuntimePlaybook}, m.Defaults()
	for _, p := range m.Params {
		a.Params = append(a.Params, inputs.Param{Name: p.Name, Required: p.Required, Default: defaults[p.Name]})
	}
	for _, o := range m.Playbook.OutputVariables {
		a.Outputs = append(a.Outputs, inputs.Output{Name: o.Name, Type: o.Type})
	}
	return a
}

// execution is what the App is told, and the file with the CAs that it is given.
func (r *Run) execution(ctx context.Context, p *place, jobs *parts.Jobs, installed app.App, in inputs.Inputs, store *api.Memory) (_ app.Execution, pem string, _ error) {
	own := time.Duration(installed.Manifest.TimeoutMinutes) * time.Minute
	e := parts.Execution(r.Settings)
	e.Session, e.JobDir, e.AppParams, e.Path = p.Session, p.Job, in.Params, r.Path
	e.Timeout = cmp.Or(r.Timeout, own, r.Settings.DefaultTimeout)
	e.Playbook, e.KVContext, e.OutVariables = installed.Manifest.Is("playbook"), kvContext, in.OutVariables
	e.Token, e.TokenExpires = store.Issue(p.Session, kvContext, in.Params, e.Timeout+time.Hour)
	e.Defaults = map[string]string{"tc_user_id": "1", "api_default_org": "local"}
	if runtime, _ := installed.Manifest.Runtime(); runtime.Service() {
		e.Timeout, e.KVContext = r.Timeout, "" // it runs until it is told to end
		e.Token, e.TokenExpires = store.IssueService(p.Session, serviceID, serviceToken)
	} else if !e.Playbook {
		e.Defaults["tc_job_id"] = "1"
	}
	for _, v := range r.Variables {
		store.SetVariable(p.Session, v.Source, v.ID, v.Data)
	}
	for name, value := range in.KV {
		if err := store.Put(ctx, kvContext, name, []byte(value)); err != nil {
			return e, "", err
		}
	}
	if jobs.User() != "" {
		var err error
		if e.Isolation, err = jobs.World(ctx, r.Home); err != nil {
			return e, "", err
		}
		e.Isolation.Show = append(e.Isolation.Show, p.trust)
	}
	pem, err := r.trust(ctx, &e, jobs, p.trust)
	if errors.Is(err, job.ErrUnreadable) && p.temporary {
		err = fmt.Errorf("%w\nhint: set TMPDIR to a folder that %s can pass through", err, jobs.User())
	}
	return e, pem, err
}

// run starts the App and shows its output until it has ended. The App ends with this process,
// however that ends.
func (r *Run) run(ctx context.Context, jobs *parts.Jobs, installed app.App, e app.Execution) (job.Exit, error) {
	launch, err := installed.Launch(e)
	if err != nil {
		return job.Exit{}, err
	}
	launch.Tied = true
	process, err := jobs.Start(ctx, launch)
	if err != nil {
		return job.Exit{}, err
	}
	return r.follow(ctx, process, e.JobDir)
}

// trust gives the App the CAs that the App of an order would have, in a set of its own, because
// this process may run as another user than the agent.
func (r *Run) trust(ctx context.Context, e *app.Execution, jobs *parts.Jobs, dir string) (pem string, err error) {
	sources := parts.TrustSources(r.Home, r.Settings)
	sources.Java, sources.Pythons = e.Interpreters()
	set, err := certs.New(certs.Config{Dir: dir, Sources: sources, Readable: jobs.Readable()}).Current(ctx)
	if err != nil {
		return "", err
	}
	e.TrustEnv, e.TrustArgs = set.Env(), set.JavaArgs()
	return set.PEM(), nil
}

// follow shows the App's output until it has ended.
func (r *Run) follow(ctx context.Context, process *job.Process, jobDir string) (job.Exit, error) {
	running, ended := context.WithCancel(context.WithoutCancel(ctx))
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		out := &follower{dir: jobDir, sinks: map[job.Stream]io.Writer{job.Stdout: r.Stdout, job.Stderr: r.Stderr}}
		defer out.close()
		out.follow(running)
	}()
	stop := context.AfterFunc(ctx, func() { _ = process.Cancel(context.WithoutCancel(ctx)) })
	exit, err := process.Wait(context.WithoutCancel(ctx))
	stop()
	ended()
	<-shown
	return exit, err
}

func (r *Run) outcome(result *Result, installed app.App, jobDir string, exit job.Exit) error {
	runtime, err := installed.Manifest.Runtime()
	if err != nil {
		return err
	}
	result.ExitCode, result.Signal, result.RunMS = exit.Code, exit.Signal, exit.Ran().Milliseconds()
	result.Outcome = order.OutcomeOf(exit, runtime)
	collected, err := app.Collect(jobDir, installed.Manifest)
	if err != nil {
		return err
	}
	result.Message = cmp.Or(order.MessageOf(jobDir, collected, exit), exit.Error)
	if result.Outcome == wire.Succeeded || result.Outcome == wire.Partial {
		result.Results = collected.Results
	}
	published, err := app.Published(jobDir, installed.Manifest)
	if err != nil {
		fmt.Fprintln(r.Stderr, err)
	}
	for _, p := range published {
		if p.Err != nil {
			fmt.Fprintln(r.Stderr, "not published:", p.Err)
			continue
		}
		_ = p.File.Close()
		result.Files = append(result.Files, p.Name)
	}
	return nil
}

// written are the Playbook variables that the App has changed.
func written(store *api.Memory, given map[string]string) map[string]string {
	all := map[string]string{}
	for name, value := range store.Values(kvContext) {
		if before, ok := given[name]; !ok || before != string(value) {
			all[name] = string(value)
		}
	}
	return all
}
