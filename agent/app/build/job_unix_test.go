//go:build unix

package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
)

// TestMain is also the shim of what the tests start: else a shim would run the tests again.
func TestMain(m *testing.M) {
	if job.IsShim(os.Args) {
		os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// started tells a job in a file of its folder that it was started.
type started struct{ *job.Executor }

func (s started) Start(ctx context.Context, l job.Launch) (*job.Process, error) {
	p, err := s.Executor.Start(ctx, l)
	return p, errors.Join(err, os.WriteFile(filepath.Join(l.Dir, "started"), nil, 0o600))
}

// TestRunSaysHowItEnded: what a job of the agent's own did not do is told with its reason.
func TestRunSaysHowItEnded(t *testing.T) {
	jobs, err := job.NewExecutor(job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Jobs: started{jobs}, Execution: func() launch.Execution { return launch.Execution{} },
		World: func(context.Context) (job.Isolation, error) { return job.Isolation{}, nil },
		Folder: func() (string, string, func(), error) {
			dir := filepath.Join(t.TempDir(), "build-1")
			return "build-1", dir, func() { _ = os.RemoveAll(dir) }, janitor.Make(dir)
		},
	}
	for script, want := range map[string]string{
		"echo no memory >&2; exit 3": "the build ended with code 3: no memory",
		"kill -SEGV $$":              "the build was ended by signal SIGSEGV",
		"until [ -e started ]; do sleep 0.01; done; kill -KILL $PPID": "the build was ended: shim_lost",
		"exec sleep 60": "the build was ended after 100ms",
		"exit 0":        "",
	} {
		t.Run(script, func(t *testing.T) {
			collected, timeout := false, time.Minute
			if strings.Contains(want, "100ms") {
				timeout = 100 * time.Millisecond
			}
			err := c.Run(t.Context(), Cost{Timeout: timeout}, func(e launch.Execution) (job.Launch, error) {
				return job.Launch{ID: e.Session, Dir: e.JobDir, Argv: []string{"/bin/sh", "-c", script}, Timeout: e.Timeout, Grace: e.Grace, MaxOutput: e.MaxOutput}, nil
			}, func(*os.Root) error { collected = true; return nil })
			switch {
			case want == "" && (err != nil || !collected):
				t.Errorf("got %v, collected: %v", err, collected)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want) || collected):
				t.Errorf("got %v, collected: %v, want %q", err, collected, want)
			}
		})
	}
}
