package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/logging/plain"
)

// What one build may cost. An App with 3,300 classes takes 2.5 s of processor time.
const (
	timeout   = 2 * time.Minute
	jobMemory = 1 << 30 // bytes, where a control group bounds them
	jobTasks  = 200     // a JVM has some threads for each processor
	cpuWeight = 10      // of the usual 100: Apps go first
	reserve   = 256 << 20
	maxSaid   = 300 // bytes of what a build says that failed
)

// ErrExposed means that nothing is built, because another App could change what is.
var ErrExposed = errors.New("Apps are not kept apart from each other's files here, so another App could change its class-data archive")

// Build says how a job of the agent's own is run that deals with an App's files. All of it is
// needed.
type Build struct {
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
	Folder func() (session, dir string, remove func() error, err error)
}

// run runs the job that launch makes of an execution, and collect when nothing of the job lives any
// more. The job ends with the agent.
func (b Build) run(ctx context.Context, launch func(launch.Execution) (job.Launch, error), collect func(out *os.Root) error) (err error) {
	e := b.Execution()
	if e.Isolation, err = b.World(ctx); err != nil {
		return err
	}
	if l := e.Isolation.Level; b.Sandboxed && l != job.IsolationFiles && l != job.IsolationFull {
		return ErrExposed
	}
	session, folder, remove, err := b.Folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	e.Session, e.JobDir = session, folder
	e.Timeout, e.Grace, e.MaxOutput = timeout, time.Second, 64<<10
	e.Limits = e.Limits.Within(job.Limits{Memory: jobMemory, Tasks: jobTasks, CPUWeight: cpuWeight})
	e.Limits.FileSize = maxArchive
	l, err := launch(e)
	if err != nil {
		return err
	}
	l.Tied = true
	if err := b.await(ctx, l); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	out, err := root.OpenRoot("out")
	if err != nil {
		return err
	}
	defer out.Close()
	return collect(out)
}

// await runs a job and returns how it ended, if that was not by itself and in order.
func (b Build) await(ctx context.Context, l job.Launch) error {
	process, err := b.Jobs.Start(ctx, l)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = process.Cancel(context.WithoutCancel(ctx)) })
	defer stop()
	exit, err := process.Wait(context.WithoutCancel(ctx))
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case exit.Reason == job.ReasonTimedOut:
		return fmt.Errorf("the build was ended after %s", timeout)
	case exit.Reason != "":
		return fmt.Errorf("the build was ended: %s %s", exit.Reason, exit.Error)
	case exit.Signal != "":
		return fmt.Errorf("the build was ended by signal %s", exit.Signal)
	case exit.Code != 0:
		return fmt.Errorf("the build ended with code %d: %s", exit.Code, plain.Head(strings.TrimSpace(exit.StderrTail), maxSaid))
	}
	return nil
}

// built is the archive's name in the folder out of the job that makes it.
const built = "classes.jsa"

// make makes the archive of one App.
func (s *Store) make(ctx context.Context, t task) error {
	begun := time.Now()
	list, err := takeList(t.jobDir)
	if err != nil {
		return err
	}
	e := s.Build.Execution()
	java, _, ok := e.Java(t.dir, t.manifest)
	if !ok {
		return errJDK
	}
	j, err := s.jdks.of(java)
	if err != nil {
		return err
	}
	if err := space.Check(s.dir, 2*maxArchive+reserve); err != nil {
		return err
	}
	temp := filepath.Join(s.dir, tempPrefix+t.sha())
	_ = os.Remove(temp)
	defer func() { _ = os.Remove(temp) }()
	r := record{App: t.app(), Key: t.key}
	dump := func(e launch.Execution) (job.Launch, error) { return e.ClassDump(t.dir, t.manifest, list, built) }
	err = s.Build.run(ctx, dump, func(out *os.Root) (err error) {
		s.step("built")
		r.Size, r.SHA256, err = take(ctx, out, built, temp, j)
		return err
	})
	if err != nil {
		return err
	}
	s.step("copied")
	// The JDK, the settings or the App may have changed meanwhile: then it is the archive of nobody
	// knows what.
	if key, err := s.key(t.dir, t.manifest, s.Build.Execution()); err != nil || key != t.key {
		return cmp.Or(err, errChanged)
	}
	if err := s.publish(temp, r); err != nil {
		return err
	}
	s.Logger.Info("class-data archive made", "app", t.app(), "bytes", r.Size, "took", time.Since(begun).Round(time.Millisecond).String())
	return s.Prune()
}

var errChanged = errors.New("the App or its JDK changed while its class-data archive was made")
