package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

const (
	cancelStrayTimeout = 15 * time.Second // for a job without an order to end after a cancel
	reapStrayTimeout   = 15 * time.Second // then, for it to be killed
)

// endStrayJobs ends the jobs that run in our folder and are not in the journal, as after the loss
// of the journal. Nobody waits for them, and the cloud may give their orders again, so it returns
// only when they have ended.
func (a *Agent) endStrayJobs() {
	entries, err := os.ReadDir(a.JobsDir)
	if err != nil {
		a.Logger.Error("folders of jobs cannot be looked through for running ones", "err", err)
		return
	}
	ctx, cancel := context.WithTimeout(a.ctx, cancelStrayTimeout)
	defer cancel()
	var ending sync.WaitGroup
	for _, e := range entries {
		ref, ok := order.RefOf(e.Name())
		if !ok {
			continue
		}
		if _, known := a.Journal.Get(ref); known {
			continue
		}
		dir := filepath.Join(a.JobsDir, e.Name())
		if !job.Attended(dir) {
			continue
		}
		process, err := a.Jobs.Attach(dir, job.Status{})
		switch {
		case err == nil:
			ending.Go(func() { a.endStrayJob(ctx, ref, process) })
		case errors.Is(err, job.ErrCopied): // it belongs to the agent whose home was copied
		case !errors.Is(err, job.ErrNotRunning):
			a.Logger.Error("it is not known whether a job runs of which the journal knows nothing", "order", ref.String(), "err", err)
		}
	}
	ending.Wait()
}

func (a *Agent) endStrayJob(ctx context.Context, ref wire.Ref, process *job.Process) {
	err := process.Cancel(ctx)
	if err == nil {
		_, err = process.Wait(ctx)
	}
	if err != nil { // what looks like its shim may be the App itself, which forged the record and does not answer
		reap, stop := context.WithTimeout(context.WithoutCancel(ctx), reapStrayTimeout)
		defer stop()
		err = process.End(reap)
	}
	if err != nil {
		a.Logger.Error("a job runs of which the journal knows nothing, and does not end", "order", ref.String(), "err", err)
		return
	}
	a.Logger.Error("ended a job of which the journal knows nothing", "order", ref.String())
}

// sweepStrays ends processes that Apps have left and that belong to no job any more. It waits until
// every job that runs is known, so that it ends none of them.
func (a *Agent) sweepStrays(ctx context.Context) {
	select {
	case <-a.lookedForAll:
	case <-ctx.Done():
		return
	}
	switch killed, err := a.Jobs.Sweep(ctx); {
	case err != nil && ctx.Err() == nil:
		a.Logger.Warn("it is not known whether Apps have left anything running", "err", err)
	case killed > 0:
		a.Logger.Error("ended processes that Apps had left and that belong to no job", "count", killed)
	}
}
