package agent

import (
	"context"
	"errors"
	"os"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/journal"
	"tcenvsvr/agent/wire"
)

// recover puts every order of the journal where the last agent left it.
func (a *Agent) recover() {
	for _, e := range a.Journal.Entries() {
		o := a.newOrder(e.Order)
		a.mu.Lock()
		a.orders[o.ref] = o
		if e.Result == nil {
			o.slot = true
			a.active++
		}
		a.mu.Unlock()
		a.group.Go(func() error {
			a.continueOrder(a.ctx, o, e)
			return nil
		})
	}
}

func (a *Agent) continueOrder(ctx context.Context, o *order, e journal.Entry) {
	if e.Result != nil {
		defer o.endBy(nil)
		defer a.drop(o)
		logs := newTail(o)
		defer logs.close()
		o.deliver(ctx, *e.Result, logs)
		return
	}
	if !e.Started.IsZero() {
		o.prepared = max(0, e.Started.Sub(e.Accepted))
	}
	process, err := a.attach(ctx, o)
	switch {
	case ctx.Err() != nil: // the next agent tries
	case err == nil:
		a.Logger.Info("found a running job again", "order", o.ref.String())
		o.setRunning()
		defer o.endBy(nil)
		defer a.drop(o)
		o.follow(ctx, process)
	case errors.Is(err, job.ErrNeverStarted) && e.Started.IsZero() && (e.Hold || e.BootID == a.Host.BootID()):
		a.Logger.Info("found an order that was not started", "order", o.ref.String())
		if err := os.RemoveAll(o.dir()); err != nil { // Attach has spent it; nothing of an App is in it
			a.Logger.Warn("unused job folder was not removed", "order", o.ref.String(), "err", err)
		}
		o.resume(ctx)
	default:
		o.setRunning()
		defer o.endBy(nil)
		defer a.drop(o)
		logs := newTail(o)
		defer logs.close()
		o.finish(ctx, a.lastExit(o, e), logs)
	}
}

// attach looks for the job until it is known whether it runs: a moment's
// lack of descriptors must not make an interrupted order of a running one.
func (a *Agent) attach(ctx context.Context, o *order) (*job.Process, error) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		process, err := a.Jobs.Attach(o.dir())
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

// lastExit is the exit that the shim wrote, or what can be said without one.
func (a *Agent) lastExit(o *order, e journal.Entry) job.Exit {
	exit, found, err := job.ReadExit(o.dir())
	switch {
	case err != nil:
		return job.Exit{Code: -1, Reason: "shim_lost", Error: err.Error()}
	case found:
		return exit
	case e.BootID != a.Host.BootID():
		return job.Exit{Code: -1, Reason: "shim_lost", Error: "the host was restarted while the App was running"}
	}
	return job.Exit{Code: -1, Reason: "shim_lost", Error: "the App's supervisor ended without a trace"}
}

func (o *order) setRunning() {
	o.mu.Lock()
	o.state = wire.StateRunning
	o.mu.Unlock()
}
