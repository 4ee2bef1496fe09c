package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/journal"
	"tcenvsvr/agent/link/wire"
)

// recover puts every order of the journal where the last agent left it.
func (a *Agent) recover() {
	a.endStrangers()
	var looked sync.WaitGroup // for what still runs
	for _, e := range a.Journal.Entries() {
		o := a.newOrder(e.Order)
		a.mu.Lock()
		a.orders[o.ref] = o
		if e.Result == nil {
			o.slot = true
			a.active++
		}
		a.mu.Unlock()
		looked.Add(1)
		a.group.Go(func() error {
			a.continueOrder(a.ctx, o, e, sync.OnceFunc(looked.Done))
			return nil
		})
	}
	a.group.Go(func() error {
		looked.Wait()
		close(a.lookedForAll)
		a.sweepStrays(a.ctx)
		return nil
	})
}

// continueOrder walks on from where the journal says that the order is. It calls looked as soon as
// it is known whether its job runs.
func (a *Agent) continueOrder(ctx context.Context, o *order, e journal.Entry, looked func()) {
	defer looked()
	switch {
	case e.Result != nil:
		looked()
		defer o.endBy(nil)
		defer a.drop(o)
		logs := newTail(o)
		defer logs.close()
		o.deliver(ctx, *e.Result, logs)
		return
	case e.State == wire.StateAccepted: // an App is executed only after its start was journaled
		looked()
		o.startOver(ctx)
		return
	}
	if !e.Started.IsZero() {
		o.prepared = max(0, e.Started.Sub(e.Accepted))
	}
	if err := json.Unmarshal(e.Shim, &o.shim); err != nil && len(e.Shim) > 0 {
		a.Logger.Warn("the journal does not say whose job it is, its folder may", "order", o.ref.String(), "err", err)
	}
	process, err := a.attach(ctx, o)
	looked()
	if ctx.Err() != nil { // the next agent tries
		return
	}
	if err == nil {
		a.Logger.Info("found a running job again", "order", o.ref.String())
		o.setRunning()
		defer o.endBy(nil)
		defer a.drop(o)
		o.follow(ctx, process)
		return
	}
	exit := a.lastExit(o, e)
	if exit.Reason == job.ReasonGivenUp { // the last agent ended between its note and its Go
		o.startOver(ctx)
		return
	}
	o.setRunning()
	defer o.endBy(nil)
	defer a.drop(o)
	logs := newTail(o)
	defer logs.close()
	o.finish(ctx, exit, logs)
}

// startOver goes on with an order of which certainly nothing was started.
func (o *order) startOver(ctx context.Context) {
	o.a.Logger.Info("found an order that was not started", "order", o.ref.String())
	if err := os.RemoveAll(o.dir()); err != nil { // a shim may have spent it; nothing of an App is in it
		o.a.Logger.Warn("unused job folder was not removed", "order", o.ref.String(), "err", err)
	}
	o.resume(ctx)
}

// attach looks for the job until it is known whether it runs: a moment's
// lack of descriptors must not make an interrupted order of a running one.
func (a *Agent) attach(ctx context.Context, o *order) (*job.Process, error) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		process, err := a.Jobs.Attach(o.dir(), o.shim)
		if err == nil || errors.Is(err, job.ErrNotRunning) || ctx.Err() != nil {
			return process, err
		}
		a.Logger.Warn("job cannot be looked for, trying again", "order", o.ref.String(), "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// lastExit is the exit that the shim wrote, or what can be said without one. That an App was never started is
// not believed where the journal says that it was: an App may write such a record, and be started again for it.
func (a *Agent) lastExit(o *order, e journal.Entry) job.Exit {
	exit, found, err := job.ReadExit(o.dir())
	switch {
	case found && exit.Reason == job.ReasonGivenUp && !e.Started.IsZero():
		return job.Exit{Code: -1, Reason: job.ReasonShimLost, Error: "the App's supervisor is gone, and its record says that the App was not started, which it was"}
	case found && exit.Reason == job.ReasonGivenUp && e.Mended:
		return job.Exit{Code: -1, Reason: job.ReasonShimLost, Error: "the journal was damaged before the App was started"}
	case err != nil:
		return job.Exit{Code: -1, Reason: job.ReasonShimLost, Error: err.Error()}
	case found:
		return exit
	case e.BootID != a.Host.BootID():
		return job.Exit{Code: -1, Reason: job.ReasonShimLost, Error: "the host was restarted while the App was running"}
	}
	return job.Exit{Code: -1, Reason: job.ReasonShimLost, Error: "the App's supervisor ended without a trace"}
}

func (o *order) setRunning() {
	o.mu.Lock()
	o.state = wire.StateRunning
	o.mu.Unlock()
}
