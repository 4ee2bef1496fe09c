package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// probe does all that the start of an order needs, with the shim's own program as the App: it makes
// folders and files, becomes the sandbox user, and starts a process. It removes what it made.
func (d *daemon) probe(ctx context.Context) (err error) {
	session := janitor.Probe + strings.ToLower(rand.Text()[:12])
	dir := filepath.Join(d.paths.Jobs, session)
	folders := d.jobs.Janitor(d.paths.Jobs)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, folders.Remove(ctx, session), d.trust.Release(session))
	}()
	if err := d.jobs.MakeJobDir(dir); err != nil {
		return err
	}
	execution, err := d.execution(ctx, session)
	if err != nil {
		return err
	}
	program, err := parts.ShimProgram()
	if err != nil {
		return err
	}
	world := execution.Isolation
	world.Show, world.Keep = append(slices.Clip(world.Show), program), []string{dir}
	process, err := d.jobs.Start(ctx, job.Launch{
		Isolation: world,
		ID:        session, Dir: dir, Argv: []string{program, job.ShimCommand}, // it ends at once, because it gets no request
		Timeout: time.Minute, Files: []job.File{{Path: "in/probe", Data: []byte("probe")}},
	})
	if err != nil {
		return err
	}
	exit, err := process.Wait(ctx)
	if err == nil && (exit.Reason != "" || exit.Signal != "") {
		err = fmt.Errorf("a process that was started as a trial did not end by itself: %s %s %s", exit.Reason, exit.Signal, exit.Error)
	}
	return err
}
