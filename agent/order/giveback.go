package order

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/logging/plain"
)

// HostError marks an error of our own files, which no other order would escape.
func HostError(err error) error {
	return &fitness.Error{Code: cmp.Or(fitness.Code(err), fitness.IO), Err: err}
}

// Unfit recognises the failures of a start that are the host's: the App certainly did not start,
// and no other App would have started. The code names the failure.
func Unfit(err error) (code string, is bool) {
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
		job.CodeIsolation, job.CodeUser, job.CodeNoSudo, job.CodeNoSocket, job.CodeRefused:
		return code, true
	}
	return "", false
}

// giveBack returns an order whose App was not started to the cloud, for another server or for
// later. This attempt is over for good; the cloud is told so like a result, until it acknowledges
// that.
func (o *Order) giveBack(ctx context.Context, code string, err error) {
	o.c.Unfit(code, err)
	o.handBack(ctx, code, err)
}

// handBack is giveBack where the host is fit.
func (o *Order) handBack(ctx context.Context, code string, err error) {
	o.c.Logger.Warn("order is given back: its App was not started here", "order", o.ref.String(), "code", code, "err", err)
	o.c.Audit.Record(audit.OrderRefused, "order", o.ref.String(), "reason", string(wire.ReasonUnfit), "code", code)
	if e, ok := errors.AsType[*job.StartError](err); ok && e.Code == job.CodeRefused {
		o.c.Audit.Record(audit.SudoRefused, "order", o.ref.String(), "app", o.spec.App.Name, "said", plain.TailRunes(err.Error(), maxMessage))
	}
	if code != job.CodeClaimed { // nothing of an App is in it; the janitor removes what stays
		_ = os.RemoveAll(o.dir())
	}
	o.c.Agent.Release(o)
	result := wire.Result{
		Ref: o.ref, Outcome: wire.Failed, Returned: true, ExitCode: -1, Error: code, Message: plain.TailRunes(err.Error(), maxMessage),
		PrepareUS: time.Since(o.received).Microseconds(),
	}
	o.mu.Lock()
	o.returned = true
	o.mu.Unlock()
	if err := o.c.Journal.Finish(result); err != nil {
		// The cloud is told all the same: should this agent forget it, the next one asks before it
		// starts the App.
		o.c.Logger.Warn("that an order was given back is not journaled", "order", o.ref.String(), "err", err)
	}
	o.c.ended(o, result)
	o.deliver(ctx, result, nil)
}
