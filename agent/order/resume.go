package order

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/journal"
)

// Resume goes on from where the journal says that the order is, which an earlier agent accepted. It
// calls looked as soon as it is known whether the order's job runs.
func (o *Order) Resume(ctx context.Context, e journal.Entry, looked func()) {
	defer looked()
	o.sealed = e.Sealed
	if e.Mended { // and nobody knows
		for _, p := range o.manifest().Params {
			if p.Encrypt {
				o.sealed = append(o.sealed, p.Name)
			}
		}
	}
	switch {
	case e.Result != nil:
		looked()
		o.c.Guard.Ended(o.ref, e.Result.Outcome, e.Result.Returned) // the last agent may not have come to it
		logs := newLogs(o)
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
		o.c.Logger.Warn("the journal does not say whose job it is, its folder may", "order", o.ref.String(), "err", err)
	}
	process, err := o.attach(ctx)
	if err == nil && e.Started.IsZero() && o.gaveUp(ctx, process) {
		err = job.ErrNotRunning
	}
	looked()
	if ctx.Err() != nil { // the next agent tries
		return
	}
	if err == nil {
		o.c.Logger.Info("found a running job again", "order", o.ref.String())
		o.setRunning()
		o.follow(ctx, process)
		return
	}
	exit := o.lastExit(e)
	if exit.Reason == job.ReasonGivenUp { // the last agent ended after it had noted the start and before it sent Go
		o.startOver(ctx)
		return
	}
	o.setRunning()
	logs := newLogs(o)
	defer logs.close()
	o.finish(ctx, exit, logs)
}

// decideTimeout bounds the wait for a shim that makes durable that it has given up.
const decideTimeout = 30 * time.Second

// gaveUp reports whether a shim that lives has executed nothing, and will not: the last agent died before it said
// Go, or before it heard that the App runs.
func (o *Order) gaveUp(ctx context.Context, process *job.Process) bool {
	ctx, cancel := context.WithTimeout(ctx, decideTimeout)
	defer cancel()
	for !job.Runs(o.dir()) {
		if _, found, err := job.ReadExit(o.dir()); found || err != nil {
			exit, err := process.Wait(ctx) // the shim's own word: an App could write such a record
			return err == nil && exit.Reason == job.ReasonGivenUp
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// startOver goes on with an order of which certainly nothing was started.
func (o *Order) startOver(ctx context.Context) {
	o.c.Logger.Info("found an order that was not started", "order", o.ref.String())
	if err := os.RemoveAll(o.dir()); err != nil { // a shim may have used it up; nothing of an App is in it
		o.c.Logger.Warn("unused job folder was not removed", "order", o.ref.String(), "err", err)
	}
	_ = o.execute(ctx, app.App{}, false) // it was accepted before
}

// attach looks for the job until it is known whether it runs: a temporary lack of descriptors must
// not make an interrupted order of a running one.
func (o *Order) attach(ctx context.Context) (*job.Process, error) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		process, err := o.c.Jobs.Attach(o.dir(), o.shim)
		if err == nil || errors.Is(err, job.ErrNotRunning) || ctx.Err() != nil {
			return process, err
		}
		o.c.Logger.Warn("job cannot be looked for, trying again", "order", o.ref.String(), "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// lastExit is the exit that the shim recorded, or what can be said without one. A record that the
// App was never started is not believed where the journal says that it was: an App may write such a
// record in order to be started again.
func (o *Order) lastExit(e journal.Entry) job.Exit {
	exit, found, err := job.ReadExit(o.dir())
	switch {
	case found && exit.Reason == job.ReasonGivenUp && !e.Started.IsZero():
		return shimLost("the App's supervisor is gone, and its record says that the App was not started, which it was")
	case found && exit.Reason == job.ReasonGivenUp && e.Mended:
		return shimLost("the journal was damaged before the App was started")
	case err != nil:
		return shimLost(err.Error())
	case found:
		return exit
	case e.BootID != o.c.BootID():
		return shimLost("the host was restarted while the App was running")
	}
	return shimLost("the App's supervisor ended without a trace")
}
