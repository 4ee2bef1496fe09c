package parts

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/agent/settings"
)

// Jobs starts Apps and looks after their folders, as the sandbox user if there is one.
type Jobs struct {
	*job.Executor
	user   string // "" = our own
	wanted string // appsIsolation
	logger *slog.Logger

	mu        sync.Mutex           // held while it is tried what this host can do for Apps: orders wait for that
	isolation *job.IsolationReport // nil until it is known
	limits    *job.LimitsReport    // as isolation
}

// NewJobs makes the executor that the settings ask for. state is the folder of the agent's state. A
// sandbox user who is the agent's own user under another name is refused with a
// settings.ConflictError: every App could read the agent's keys.
func NewJobs(s settings.Settings, state string, logger *slog.Logger) (*Jobs, error) {
	j := &Jobs{wanted: s.AppsIsolation, logger: logger.With("component", "job")}
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
	exe, err := ShimProgram()
	if err != nil {
		return nil, err
	}
	j.Executor, err = job.NewExecutor(job.Config{Exe: exe, Runner: runner, Logger: j.logger})
	return j, err
}

// ShimProgram is the path of the program that is the shim of our jobs.
func ShimProgram() (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the program of the shim: %w", err)
	}
	return shimOf(own), nil
}

// shimOf is the small program beside ours or, where there is none, as in the slot of an update, our
// own program. The shim of another release would not do, not even the package's: an older shim
// knows less than we ask of it.
func shimOf(own string) string {
	shim := filepath.Join(filepath.Dir(own), job.ShimName+filepath.Ext(own))
	if info, err := os.Lstat(shim); err == nil && info.Mode().IsRegular() {
		return shim
	}
	return own
}

// MakeJobDir makes a job's folder for the sandbox user. Default ACLs let the sandbox user in; root,
// who needs none, gives the folder to the sandbox user's group.
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

// User is the user as whom Apps run, "" for our own.
func (j *Jobs) User() string { return j.user }
