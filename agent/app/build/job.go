package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/logging/plain"
)

// ErrExposed means that nothing is built, because another App could change what is.
var ErrExposed = errors.New("there is nothing on this host that keeps Apps from each other's files, so another App could change what is made of it")

// Config says how jobs are run. All of it is needed.
type Config struct {
	Jobs interface {
		Start(context.Context, job.Launch) (*job.Process, error)
	}
	// Sandboxed: jobs run as a user whom all Apps share.
	Sandboxed bool
	// Execution is what every App is told. It takes no time.
	Execution func() launch.Execution
	// World is what a job sees of the host.
	World func(context.Context) (job.Isolation, error)
	// Folder makes the folder of a job. The caller calls remove.
	Folder func() (session, dir string, remove func(), err error)
}

// Cost is what a job may take at most.
type Cost struct {
	Timeout  time.Duration
	Memory   uint64 // bytes, where a control group bounds them
	Tasks    uint64 // processes and threads, where one does
	FileSize uint64 // bytes of one file
	// Partial: what the job left is collected also if it failed, or was ended.
	Partial bool
}

const (
	cpuWeight = 10 // of the usual 100: Apps go first
	maxOutput = 64 << 10
	maxSaid   = 300 // bytes of what a job says that failed
)

// Run runs the job that launch makes of an execution, and collect when nothing of the job lives any
// more: out is the job's folder out.
func (c Config) Run(ctx context.Context, cost Cost, launch func(launch.Execution) (job.Launch, error), collect func(out *os.Root) error) (err error) {
	e := c.Execution()
	if e.Isolation, err = c.World(ctx); err != nil {
		return err
	}
	if l := e.Isolation.Level; c.Sandboxed && l != job.IsolationFiles && l != job.IsolationFull {
		return ErrExposed
	}
	session, folder, remove, err := c.Folder()
	if err != nil {
		return err
	}
	defer remove()
	e.Session, e.JobDir = session, folder
	e.Timeout, e.Grace, e.MaxOutput = cost.Timeout, time.Second, maxOutput
	e.Limits = e.Limits.Within(job.Limits{Memory: cost.Memory, Tasks: cost.Tasks, CPUWeight: cpuWeight})
	e.Limits.FileSize = cost.FileSize
	l, err := launch(e)
	if err != nil {
		return err
	}
	l.Tied = true
	ended := c.await(ctx, l)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if ended != nil && !cost.Partial {
		return ended
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return errors.Join(ended, err)
	}
	defer root.Close()
	out, err := root.OpenRoot("out/.") // of a pipe in its place this does not wait for the other end
	if err != nil {
		return errors.Join(ended, err)
	}
	defer out.Close()
	err = collect(out)
	return cmp.Or(ended, err)
}

// await runs a job and returns how it ended, if that was not by itself and in order.
func (c Config) await(ctx context.Context, l job.Launch) error {
	process, err := c.Jobs.Start(ctx, l)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = process.Cancel(context.WithoutCancel(ctx)) })
	defer stop()
	exit, err := process.Wait(context.WithoutCancel(ctx))
	switch {
	case err != nil:
		return err
	case exit.Reason == job.ReasonTimedOut:
		return fmt.Errorf("the build was ended after %s", l.Timeout)
	case exit.Reason != "":
		return fmt.Errorf("the build was ended: %s", strings.TrimSpace(exit.Reason+" "+exit.Error))
	case exit.Signal != "":
		return fmt.Errorf("the build was ended by signal %s", exit.Signal)
	case exit.Code != 0:
		return fmt.Errorf("the build ended with code %d: %s", exit.Code, plain.Head(strings.TrimSpace(exit.StderrTail), maxSaid))
	}
	return nil
}
