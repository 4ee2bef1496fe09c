package order

import (
	"cmp"
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/agent/order/guard"
)

// maxMessage is the longest exit message in characters (app-contract: 255). The end of a longer one
// is kept, as the App framework does.
const maxMessage = 255

// patience is how long a lack of descriptors is waited for when an App has ended. What it left stays
// where it is meanwhile.
const patience = 5 * time.Minute

// patiently repeats f while this host has no descriptors left, and says so: for a moment's lack
// nothing that an App left is given up.
func (o *Order) patiently(ctx context.Context, f func() error) error {
	for began, wait := time.Now(), 100*time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := f()
		if fitness.Code(err) != fitness.NoFiles || time.Since(began) > patience {
			return err
		}
		o.c.Unfit(fitness.NoFiles, err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// outcome turns the end of a job into its result, without files.
func (o *Order) outcome(ctx context.Context, exit job.Exit) wire.Result {
	r := wire.Result{
		Ref: o.ref, ExitCode: exit.Code, Signal: exit.Signal,
		RunMS:     exit.Ran().Milliseconds(),
		PrepareUS: o.prepared.Microseconds(),
		Output: map[wire.Stream]wire.OutputSize{
			wire.Stdout: {Written: exit.Stdout.Written, Kept: exit.Stdout.Kept},
			wire.Stderr: {Written: exit.Stderr.Written, Kept: exit.Stderr.Kept},
		},
	}
	if exit.Log.Kept > 0 {
		r.Output[wire.AppLog] = wire.OutputSize{Written: exit.Log.Written, Kept: exit.Log.Kept}
	}
	r.Outcome = OutcomeOf(exit, o.spec.Runtime)
	switch exit.Reason {
	case job.ReasonSilent:
		r.Error, r.Message = codeServiceSilent, plain.TailRunes(exit.Error, maxMessage)
		return r
	case job.ReasonShimLost, job.ReasonGivenUp:
		r.Error, r.Message, r.ExitCode = codeSupervisorLost, plain.TailRunes(exit.Error, maxMessage), -1
		return r
	case job.ReasonStartFailed:
		r.Error, r.Message, r.ExitCode = codeStartFailed, plain.TailRunes(exit.Error, maxMessage), -1
		return r
	}
	if exit.Reason == "" && exit.Error != "" {
		o.c.Logger.Warn("not everything of a job could be done at its end", "order", o.ref.String(), "err", exit.Error)
	}
	var collected app.Collected
	err := o.patiently(ctx, func() (err error) {
		collected, err = app.Collect(o.dir(), o.manifest())
		return err
	})
	if err != nil {
		o.c.Logger.Warn("outcome files of the App are not all readable", "order", o.ref.String(), "err", err)
		r.Error = codeOutcomeUnreadable
	}
	if r.Outcome == wire.Succeeded || r.Outcome == wire.Partial {
		r.Results = o.withhold(collected.Results)
	}
	r.Message = MessageOf(o.dir(), collected, exit)
	switch {
	case exit.Reason == job.ReasonOutOfMemory:
		r.Error = codeOutOfMemory
	case exit.Reason == "" && o.service != nil:
		r.Error = codeServiceEnded
	case r.Outcome == wire.Cancelled:
		if d, ok := errors.AsType[*guard.Refusal](o.ending.reason()); ok { // obey
			r.Outcome, r.Error, r.Message = wire.Failed, d.Code, plain.Head(d.Error(), maxMessage)
		}
	}
	return r
}

// withhold takes from what the App left the values of parameters that came sealed: the cloud would
// have in clear what it is not to read.
func (o *Order) withhold(results map[string]string) map[string]string {
	for _, name := range o.sealed {
		if _, left := results[name]; left {
			o.c.Logger.Warn("what the App left for its next run is not delivered: the parameter is sealed", "order", o.ref.String(), "parameter", name)
			delete(results, name)
		}
	}
	return results
}

// MessageOf is the message about an App that has ended: its own, or else the cause that its stderr
// tells. dir is the job's folder.
func MessageOf(dir string, collected app.Collected, exit job.Exit) string {
	if exit.Reason == job.ReasonOutOfMemory { // what the App said before does not explain it
		return plain.TailRunes(exit.Error, maxMessage)
	}
	return plain.TailRunes(cmp.Or(collected.Message, app.Cause(job.Tail(dir, job.Stderr, maxCause)), app.Cause(exit.StderrTail)), maxMessage)
}

// maxCause is how many bytes from the end of stderr are searched for the cause: Java prints a
// thousand calls of an endless recursion, 60 bytes and more each.
const maxCause = 128 << 10

// OutcomeOf is the outcome of an order whose App was started, or should have been. A service that ends by
// itself has failed, whatever it says of that: it was to run until it is cancelled.
func OutcomeOf(exit job.Exit, runtime wire.Runtime) wire.Outcome {
	switch exit.Reason {
	case job.ReasonShimLost, job.ReasonGivenUp: // the second is false of an App that was started, and may be its own record
		return wire.Interrupted
	case job.ReasonStartFailed, job.ReasonOutOfMemory, job.ReasonSilent:
		return wire.Failed
	case job.ReasonTimedOut:
		return wire.TimedOut
	case job.ReasonCancelled:
		return wire.Cancelled
	}
	if runtime.Service() {
		return wire.Failed
	}
	return app.Outcome(exit.Code, runtime == wire.RuntimePlaybook)
}

// failure is the result of an order whose App was not started.
func (o *Order) failure(err error) wire.Result {
	r := wire.Result{Ref: o.ref, Outcome: wire.Failed, ExitCode: -1, Message: plain.TailRunes(err.Error(), maxMessage), PrepareUS: time.Since(o.received).Microseconds()}
	if c, ok := errors.AsType[cancelled](err); ok {
		r.Outcome, r.Message = wire.Cancelled, plain.TailRunes(c.Error(), maxMessage)
		return r
	}
	if d, ok := errors.AsType[*guard.Refusal](err); ok {
		r.Error, r.Outcome, r.Message = d.Code, wire.Rejected, plain.Head(d.Error(), maxMessage)
		return r
	}
	if a, ok := errors.AsType[*app.Error](err); ok {
		r.Error = a.Code
		if a.Rejects() {
			r.Outcome = wire.Rejected
		}
		return r
	}
	r.Error = codeNotPrepared
	if j, ok := errors.AsType[*job.StartError](err); ok {
		r.Error = j.Code
	} else if _, ok := errors.AsType[*cloud.StatusError](err); ok {
		r.Error = codeAPIRefused
	} else if errors.Is(err, errTooLate) || errors.Is(err, context.DeadlineExceeded) {
		r.Error, r.Outcome = codeTooLate, wire.Rejected
	}
	return r
}

// manifest is that of the installed App.
func (o *Order) manifest() app.Manifest { return o.c.Apps.Manifest(o.app()) }
