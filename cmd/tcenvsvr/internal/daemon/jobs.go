package daemon

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/agent/settings"
)

// Jobs starts Apps and looks after their folders, as the sandbox user
// where there is one.
type Jobs struct {
	*job.Executor
	user   string // "" = our own
	logger *slog.Logger
}

// NewJobs makes the executor the settings ask for. It refuses a sandbox user who is
// the agent's own under another name: every App could read the agent's keys.
func NewJobs(s settings.Settings, state string, logger *slog.Logger) (*Jobs, error) {
	j := &Jobs{logger: logger.With("component", "job")}
	var runner job.Runner = job.Direct{}
	switch s.Runner() {
	case "sudo":
		j.user, runner = s.SandboxUser, job.Sudo{User: s.SandboxUser}
	case "socket":
		j.user, runner = cmp.Or(s.SandboxUser, layout.Sandbox), job.Socket{}
	}
	if j.user != "" {
		if err := apart(j.user, state); err != nil {
			return nil, err
		}
	}
	exe, err := shimProgram()
	if err != nil {
		return nil, err
	}
	j.Executor, err = job.NewExecutor(job.Config{Exe: exe, Runner: runner, Logger: j.logger})
	return j, err
}

// shimProgram is where the shim of our jobs is.
func shimProgram() (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the program of the shim: %w", err)
	}
	return shimOf(own), nil
}

// shimOf is the small program beside ours or, where there is none, as in the slot of an
// update, ours itself. Another release's, and be it the package's, would not do: an older shim
// knows less than we ask of it.
func shimOf(own string) string {
	shim := filepath.Join(filepath.Dir(own), job.ShimName+filepath.Ext(own))
	if info, err := os.Lstat(shim); err == nil && info.Mode().IsRegular() {
		return shim
	}
	return own
}

// MakeJobDir makes a job's folder for the sandbox user. Its default ACLs let
// him in; root, who needs none, gives the folder to his group.
func (j *Jobs) MakeJobDir(dir string) error {
	if j.user == "" || os.Geteuid() != 0 {
		return janitor.Make(dir)
	}
	u, err := user.Lookup(j.user)
	if err != nil {
		return fmt.Errorf("making the job's folder: %w", err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return fmt.Errorf("making the job's folder: group %q of user %q is no number", u.Gid, j.user)
	}
	return janitor.MakeFor(dir, gid)
}

// Janitor looks after the folders of jobs in dir.
func (j *Jobs) Janitor(dir string) janitor.Janitor {
	reap := func(ctx context.Context, dir string) error { return j.Reap(ctx, dir, job.Status{}) }
	jan := janitor.Janitor{Dir: dir, Reap: reap, Logger: j.logger}
	if j.user != "" {
		jan.RemoveAs = j.Clear
	}
	return jan
}

// User is who Apps run as, "" for our own user.
func (j *Jobs) User() string { return j.user }

// Execution is what every App is told, by the settings.
func Execution(s settings.Settings) app.Execution {
	var proxy app.ProxySettings
	if u := s.ProxyURL(); u != nil { // without the scheme that proxyHost may begin with: Apps expect a host
		proxy = app.ProxySettings{
			Scheme: u.Scheme, Host: u.Hostname(), Port: s.ProxyPort,
			Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(), TC: s.ProxyTC, External: s.ProxyExternal,
		}
	}
	return app.Execution{
		APIPath: s.APIURL + "/api", Proxy: proxy,
		JavaHome: s.JavaHome, PythonHome: s.PythonHome, PythonHome311: s.PythonHome311,
		MaxOutput: int64(s.OutputMaxBytes),
	}
}
