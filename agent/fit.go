package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/plain"
)

// look finds out cheaply whether an order could be taken.
func (a *Agent) look() error {
	if err := a.Journal.Ready(); err != nil { // it says in the log why not
		return hostError(err)
	}
	if n, most := a.owed(); n > most {
		return &fitness.Error{Code: fitness.Owing, Err: fmt.Errorf("%d results wait for the cloud's acknowledgement, %d may", n, most)}
	}
	bytes, files, err := a.Host.Room()
	if err == nil {
		a.noteRoom(room{bytes, files})
	}
	switch {
	case err != nil:
		return err
	case bytes < a.DiskReserve:
		return &fitness.Error{Code: fitness.NoSpace, Err: fmt.Errorf("%d MB are free for jobs, and %d MB are kept in reserve", bytes>>20, a.DiskReserve>>20)}
	case files < a.FileReserve:
		return &fitness.Error{Code: fitness.NoSpace, Err: fmt.Errorf("%d files (inodes) are free for jobs, and %d are kept in reserve", files, a.FileReserve)}
	}
	return fitness.Touch(a.Folders...)
}

// owed counts the orders that have ended and are kept for the cloud, and says how
// many may be: a cloud that gives orders and takes no results must not fill memory and disk.
func (a *Agent) owed() (n, most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.orders) - a.active, max(wire.MaxHelloRefs, 2*a.limits.Executors)
}

// probe tries what an order would need.
func (a *Agent) probe(ctx context.Context) error {
	if a.Probe == nil {
		return nil
	}
	err := a.Probe(ctx)
	if code, is := unfit(err); is {
		return &fitness.Error{Code: code, Err: err}
	}
	return err
}

// fitnessChanged tells everybody, last who keeps it on the disk.
func (a *Agent) fitnessChanged(now *fitness.Problem) {
	a.tellInfo()
	if now == nil {
		a.grant()
		a.Logger.Info("taking orders again: this host can run Apps")
		a.Audit.Record(audit.IntakeResumed)
		return
	}
	a.Logger.Error("taking no orders: this host cannot run Apps now", "code", now.Code, "err", now.Message, "hint", HostHint(now.Code))
	if now.Code != fitness.Stuck { // else it would wait for the disk, too
		a.Audit.Record(audit.IntakePaused, "code", now.Code, "err", now.Message)
	}
}

// tellInfo has the next Info sent now.
func (a *Agent) tellInfo() {
	select {
	case a.wantInfo <- struct{}{}:
	default: // one is on its way already
	}
}

// hostError is an error of our own files, which no other order would escape.
func hostError(err error) error {
	return &fitness.Error{Code: cmp.Or(fitness.Code(err), fitness.IO), Err: err}
}

// unfit tells the failures of a start that are the host's: the App certainly did
// not start, and no other App would have. The code names it.
func unfit(err error) (code string, is bool) {
	start, isStart := errors.AsType[*job.StartError](err)
	if isStart && start.Doubt {
		return "", false
	}
	if code := fitness.Code(err); code != "" {
		return code, true
	}
	if isStart {
		return codeOfHost(start.Code)
	}
	if e, ok := errors.AsType[*app.Error](err); ok {
		return codeOfHost(e.Code)
	}
	return "", false
}

func codeOfHost(code string) (string, bool) {
	switch code {
	case fault.NoSpace, job.CodeNoSpace:
		return fitness.NoSpace, true
	case fault.Store, job.CodeIO:
		return fitness.IO, true
	case job.CodeNoProcess:
		return fitness.NoProcess, true
	case fault.NoTrust, job.CodeFolder, job.CodeFiles, job.CodeShim, job.CodeTimeout,
		job.CodeUser, job.CodeNoSudo, job.CodeNoSocket, job.CodeRefused:
		return code, true
	}
	return "", false
}

// giveBack returns an order whose App was not started to the cloud, for another server or for later.
// The attempt in hand is over for good; that is told like a result, until it was heard.
func (o *order) giveBack(ctx context.Context, code string, err error) {
	o.a.fitness.Report(code, err)
	o.a.Logger.Warn("order is given back: this host could not start its App", "order", o.ref.String(), "code", code, "err", err)
	o.a.Audit.Record(audit.OrderRefused, "order", o.ref.String(), "reason", string(wire.ReasonUnfit), "code", code)
	if e, ok := errors.AsType[*job.StartError](err); ok && e.Code == job.CodeRefused {
		o.a.Audit.Record(audit.SudoRefused, "order", o.ref.String(), "app", o.spec.App.Name, "said", plain.TailRunes(err.Error(), maxMessage))
	}
	_ = os.RemoveAll(o.dir()) // nothing of an App is in it; the janitor comes to what stays
	o.a.release(o)
	result := wire.Result{
		Ref: o.ref, Outcome: wire.Failed, Returned: true, ExitCode: -1, Error: code, Message: plain.TailRunes(err.Error(), maxMessage),
		PrepareUS: time.Since(o.received).Microseconds(),
	}
	o.mu.Lock()
	o.returned = true
	o.mu.Unlock()
	if err := o.a.Journal.Finish(result); err != nil {
		// It is told all the same: should we forget that, the next of us asks before it starts the App.
		o.a.Logger.Warn("that an order was given back is not journaled", "order", o.ref.String(), "err", err)
	}
	o.deliver(ctx, result, nil)
}
