package agent

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"tcenvsvr/agent/api"
	"tcenvsvr/agent/app"
	"tcenvsvr/agent/audit"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/wire"
)

// maxMessage is the longest exit message in characters (app-contract: 255).
const maxMessage = 255

// outcome turns the end of a job into its result, without files.
func (o *order) outcome(exit job.Exit) wire.Result {
	r := wire.Result{
		Ref: o.ref, ExitCode: exit.Code, Signal: exit.Signal,
		RunMS:     max(0, exit.Ended.Sub(exit.Started).Milliseconds()),
		PrepareUS: o.prepared.Microseconds(),
		Output: map[wire.Stream]wire.OutputSize{
			wire.Stdout: {Written: exit.Stdout.Written, Kept: exit.Stdout.Kept},
			wire.Stderr: {Written: exit.Stderr.Written, Kept: exit.Stderr.Kept},
		},
	}
	if size := appLogSize(o.dir()); size > 0 {
		r.Output[wire.AppLog] = wire.OutputSize{Written: size, Kept: min(size, maxAppLog)}
	}
	r.Outcome = OutcomeOf(exit, o.spec.Runtime == wire.RuntimePlaybook)
	switch exit.Reason {
	case job.ReasonShimLost:
		r.Error, r.Message, r.ExitCode = "job.supervisor_lost", shorten(exit.Error), -1
		return r
	case job.ReasonStartFailed:
		r.Error, r.Message, r.ExitCode = "job.start_failed", shorten(exit.Error), -1
		return r
	}
	collected, err := app.Collect(o.dir(), o.manifest())
	if err != nil {
		o.a.Logger.Warn("outcome files of the App are not all readable", "order", o.ref.String(), "err", err)
		r.Error = "app.outcome_unreadable"
	}
	if r.Outcome == wire.Succeeded || r.Outcome == wire.Partial {
		r.Results = collected.Results
	}
	r.Message = shorten(cmp.Or(strings.TrimRight(collected.Message, "\n"), lastLine(exit.StderrTail)))
	return r
}

// errTooLate means that Order.StartWithinMS has passed.
var errTooLate = errors.New("the order came too late: its time to start has passed")

// OutcomeOf says how an order ended whose App was started, or should have been.
func OutcomeOf(exit job.Exit, playbook bool) wire.Outcome {
	switch exit.Reason {
	case job.ReasonShimLost:
		return wire.Interrupted
	case job.ReasonStartFailed:
		return wire.Failed
	case job.ReasonTimedOut:
		return wire.TimedOut
	case job.ReasonCancelled:
		return wire.Cancelled
	}
	return app.Outcome(exit.Code, playbook)
}

// failure is the result of an order whose App was not started.
func (o *order) failure(err error) wire.Result {
	r := wire.Result{Ref: o.ref, Outcome: wire.Failed, ExitCode: -1, Message: shorten(err.Error()), PrepareUS: time.Since(o.received).Microseconds()}
	if c, ok := errors.AsType[cancelled](err); ok {
		r.Outcome, r.Message = wire.Cancelled, shorten(c.Error())
		return r
	}
	if a, ok := errors.AsType[*app.Error](err); ok {
		r.Error = a.Code
		if a.Rejects() {
			r.Outcome = wire.Rejected
		}
		return r
	}
	r.Error = "order.not_prepared"
	if j, ok := errors.AsType[*job.StartError](err); ok {
		r.Error = j.Code
		if j.Code == job.CodeRefused {
			o.a.Audit.Record(audit.SudoRefused, "order", o.ref.String(), "app", o.spec.App.Name, "said", r.Message)
		}
	} else if _, ok := errors.AsType[*api.StatusError](err); ok {
		r.Error = "api.refused"
	} else if errors.Is(err, errTooLate) || errors.Is(err, context.DeadlineExceeded) {
		r.Error, r.Outcome = "order.start_too_late", wire.Rejected
	}
	return r
}

// manifest is the installed App's; an App that is gone declares nothing.
func (o *order) manifest() app.Manifest {
	installed, _ := o.a.Apps.Lookup(o.app())
	return installed.Manifest
}

func (o *order) app() app.Ref {
	a := o.spec.App
	return app.Ref{Name: a.Name, Version: a.Version, SHA256: string(a.SHA256), Size: a.Size}
}

// shorten keeps the end, as the App framework does with its messages.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if r := []rune(s); len(r) > maxMessage {
		return string(r[len(r)-maxMessage:])
	}
	return s
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// appLogSize is 0 where the App keeps no log.
func appLogSize(dir string) int64 {
	f, err := openAppLog(dir)
	if err != nil {
		return 0
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

func openAppLog(dir string) (*os.File, error) { return app.OpenLog(dir) }
