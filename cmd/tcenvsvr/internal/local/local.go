package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent"
	"tcenvsvr/agent/app"
	"tcenvsvr/agent/appapi"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/paths"
	"tcenvsvr/agent/settings"
	"tcenvsvr/agent/wire"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
)

// Run is one run of one App.
type Run struct {
	File           string            // the .tcx
	Params         map[string]string // the App's inputs
	OutVariables   []string
	Out            string        // folder for out/ and log/; "" = thrown away
	Timeout        time.Duration // 0 = the setting
	Settings       settings.Settings
	Home           paths.Paths // whose private CAs count
	Path           string      // PATH to look for interpreters in
	Stdout, Stderr io.Writer
}

// Result says what came of it.
type Result struct {
	Outcome   wire.Outcome      `json:"outcome"`
	ExitCode  int               `json:"exit_code"`
	Signal    string            `json:"signal,omitempty"`
	Message   string            `json:"message,omitempty"`
	Results   map[string]string `json:"results,omitempty"`
	Variables map[string]string `json:"variables,omitempty"` // what a Playbook App wrote, as JSON
	Files     []string          `json:"files,omitempty"`     // published
	RunMS     int64             `json:"run_ms"`
}

const (
	session   = "local.1"
	kvContext = "local"
)

// Do runs the App and returns when it has ended. When ctx ends, the App is
// cancelled as an order would be.
func (r *Run) Do(ctx context.Context) (Result, error) {
	dir, err := os.MkdirTemp("", "tcenvsvr-app-")
	if err != nil {
		return Result{}, fmt.Errorf("running an App: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // the sandbox user passes through
		return Result{}, fmt.Errorf("running an App: %w", err)
	}
	catalog, err := app.Open(app.CatalogConfig{Dir: filepath.Join(dir, "programs")})
	if err != nil {
		return Result{}, err
	}
	installed, err := catalog.InstallFile(ctx, r.File)
	if err != nil {
		return Result{}, err
	}
	store := appapi.NewMemory()
	server, err := appapi.Listen(appapi.Config{Store: store})
	if err != nil {
		return Result{}, err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- server.Run(serving) }()
	result, err := r.run(ctx, installed, dir, server.APIPath(), store)
	stop()
	return result, errors.Join(err, <-served)
}

func (r *Run) run(ctx context.Context, installed app.App, dir, apiPath string, store *appapi.Memory) (Result, error) {
	jobs, err := daemon.NewJobs(r.Settings, slog.New(slog.DiscardHandler))
	if err != nil {
		return Result{}, err
	}
	jobDir := filepath.Join(dir, "jobs", session)
	if err := os.MkdirAll(filepath.Dir(jobDir), 0o711); err != nil {
		return Result{}, fmt.Errorf("running an App: %w", err)
	}
	if err := jobs.MakeJobDir(jobDir); err != nil {
		return Result{}, err
	}
	timeout := cmp.Or(r.Timeout, r.Settings.DefaultTimeout)
	params := installed.Manifest.Defaults()
	maps.Copy(params, r.Params)
	token, expires := store.Issue(session, kvContext, params, timeout+time.Hour)
	execution := daemon.Execution(r.Settings)
	execution.Session, execution.JobDir, execution.AppParams = session, jobDir, params
	execution.APIPath, execution.Token, execution.TokenExpires = apiPath, token, expires
	playbook := installed.Manifest.Is("playbook")
	execution.Playbook, execution.KVContext, execution.OutVariables = playbook, kvContext, outVariables(installed.Manifest, r.OutVariables)
	execution.Timeout, execution.Path = timeout, r.Path
	execution.Defaults = map[string]string{"tc_user_id": "1", "api_default_org": "local"}
	if !playbook {
		execution.Defaults["tc_job_id"] = "1"
	}
	if err := r.trust(ctx, &execution, jobs, filepath.Join(dir, "trust")); err != nil {
		return Result{}, err
	}
	launch, err := installed.Launch(execution)
	if err != nil {
		return Result{}, err
	}
	process, err := jobs.Start(ctx, launch)
	if err != nil {
		return Result{}, err
	}
	exit, err := r.follow(ctx, process, jobDir)
	if err != nil {
		return Result{}, err
	}
	result, err := r.outcome(installed, jobDir, exit)
	result.Variables = variables(store)
	return result, errors.Join(err, r.keep(jobDir))
}

// trust gives the App the CAs that an order's would have, in a set of its
// own: whoever runs this may not be the agent's user.
func (r *Run) trust(ctx context.Context, e *app.Execution, jobs *daemon.Jobs, dir string) error {
	sources := daemon.TrustSources(r.Home, r.Settings)
	sources.Java, sources.Pythons = e.Interpreters()
	set, err := certs.New(certs.Config{Dir: dir, Sources: sources, Readable: jobs.Readable()}).Current(ctx)
	if err != nil {
		return err
	}
	e.TrustEnv, e.TrustArgs = set.Env(), set.JavaArgs()
	return nil
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

func (r *Run) outcome(installed app.App, jobDir string, exit job.Exit) (Result, error) {
	result := Result{
		ExitCode: exit.Code, Signal: exit.Signal, RunMS: exit.Ended.Sub(exit.Started).Milliseconds(),
		Outcome: agent.OutcomeOf(exit, installed.Manifest.Is("playbook")),
	}
	collected, err := app.Collect(jobDir, installed.Manifest)
	if err != nil {
		return result, err
	}
	result.Message = cmp.Or(agent.MessageOf(jobDir, collected, exit), exit.Error)
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
	return result, nil
}

// keep copies what the App left to the folder the user named.
func (r *Run) keep(jobDir string) error {
	if r.Out == "" {
		return nil
	}
	for _, part := range []string{"out", "log"} {
		if err := os.CopyFS(filepath.Join(r.Out, part), os.DirFS(filepath.Join(jobDir, part))); err != nil {
			return fmt.Errorf("keeping the App's files: %w", err)
		}
	}
	return nil
}

func variables(store *appapi.Memory) map[string]string {
	all := map[string]string{}
	for name, value := range store.Values(kvContext) {
		all[name] = string(value)
	}
	return all
}

// outVariables are those given, or all that the App declares: a developer
// wants to see what it writes.
func outVariables(m app.Manifest, given []string) []string {
	if len(given) > 0 {
		return given
	}
	var all []string
	for _, v := range m.Playbook.OutputVariables {
		all = append(all, fmt.Sprintf("#App:1:%s!%s", v.Name, v.Type))
	}
	return all
}
