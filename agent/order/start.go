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
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order/guard"
)

// execute prepares the App, unless it is ready, starts it, and goes on until the cloud has the
// result. An error is that of its acceptance: then nothing was started.
func (o *Order) execute(ctx context.Context, installed app.App, ready bool) error {
	process, err := o.prepareAndStart(ctx, installed, ready)
	if refused := o.accepted(); refused != nil {
		if !errors.Is(refused, ErrKnown) {
			_ = os.RemoveAll(o.dir()) // nothing of an App is in it; the janitor removes what stays
		}
		return refused
	}
	if err != nil {
		if ctx.Err() == nil { // else the agent stops, and the next one goes on
			o.notStarted(ctx, err)
		}
		return nil
	}
	o.prepared = o.arrivedBefore(process.Status().Executed)
	o.progress(ctx, running)
	o.follow(ctx, process)
	return nil
}

// arrivedBefore is the time from the order's arrival until then, by the clock of the host; until now, if that
// clock was set meanwhile.
func (o *Order) arrivedBefore(then time.Time) time.Duration {
	d := then.Round(0).Sub(o.received)
	if now := time.Since(o.received); d < 0 || d > now {
		return now
	}
	return d
}

func (o *Order) prepareAndStart(ctx context.Context, installed app.App, ready bool) (*job.Process, error) {
	ctx, stop := o.ending.within(ctx, always)
	defer stop()
	var err error
	if o.pass, err = o.c.Guard.Arrived(o.spec); err != nil {
		return nil, err
	}
	if !ready {
		if installed, err = o.prepare(ctx); err != nil {
			return nil, err
		}
	}
	return o.launch(ctx, installed)
}

// launch prepares the job's folder and has the shim execute the App.
func (o *Order) launch(ctx context.Context, installed app.App) (*job.Process, error) {
	if o.spec.StartWithinMS > 0 && time.Since(o.received).Milliseconds() > o.spec.StartWithinMS {
		return nil, errTooLate
	}
	if o.spec.ParamsByHTTPS {
		params, err := o.c.Cloud.Params(ctx, o.ref)
		if err != nil {
			return nil, err
		}
		o.spec.Params = params
	}
	o.sealed = guard.Sealed(o.spec.Params)
	grant, err := o.passStart(ctx, installed)
	if err != nil {
		return nil, err
	}
	if err := o.c.MakeJobDir(o.dir()); err != nil {
		return nil, err
	}
	execution, err := o.execution(ctx, grant)
	if err != nil {
		return nil, err
	}
	if o.c.Archives != nil {
		o.c.Archives.Equip(installed.Dir, installed.Manifest, &execution)
		o.classes, o.ran = execution.Classes, installed
	}
	process, err := o.startJob(ctx, installed, execution)
	if err != nil {
		return nil, err
	}
	o.c.Apps.Started(installed)
	o.shim = process.Status()
	o.spec.Params, o.spec.Token, o.spec.Defaults = nil, "", nil
	if err := o.c.Journal.Started(o.ref); err != nil {
		o.c.Logger.Warn("the time of a start was not journaled", "order", o.ref.String(), "err", err)
	}
	return process, nil
}

// startJob has a shim start the App. From begin on the shim is started even if the order is ended: a
// cancel goes to the shim.
func (o *Order) startJob(ctx context.Context, installed app.App, e app.Execution) (*job.Process, error) {
	if o.service == nil {
		launch, err := installed.Launch(e)
		if err != nil {
			return nil, err
		}
		if err := o.begin(ctx); err != nil {
			return nil, err
		}
		return o.c.Jobs.StartNoted(context.WithoutCancel(ctx), launch, o.noteStart)
	}
	if err := o.begin(ctx); err != nil {
		return nil, err
	}
	s := job.Service{ID: o.spec.Service.ID}
	return o.c.Jobs.StartService(context.WithoutCancel(ctx), s, func(b job.Broker) (job.Launch, error) {
		e.Service = &app.Service{Service: s, Broker: b}
		return installed.Launch(e)
	}, o.noteStart)
}

// begin is the point of no return: from here on the App may have started.
func (o *Order) begin(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	o.state = running
	return nil
}

// noteStart journals the start, durably, before the shim executes anything.
func (o *Order) noteStart(s job.Status) error {
	shim, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := o.accepted(); err != nil {
		return err
	}
	o.auditAccepted()
	if err := o.c.Journal.Starting(o.ref, shim, o.sealed); err != nil {
		return HostError(err)
	}
	return nil
}

// passStart is the last gate before the App is started. The parameters of the order, which the
// journal has too, stay sealed.
func (o *Order) passStart(ctx context.Context, installed app.App) (guard.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, o.installTimeout())
	defer cancel()
	return o.pass.Start(ctx, installed, o.spec.Params)
}

// execution is what this order's App is told.
func (o *Order) execution(ctx context.Context, grant guard.Grant) (app.Execution, error) {
	e, err := o.c.Execution(ctx, o.session())
	if err != nil {
		return e, err
	}
	e.Session, e.JobDir = o.session(), o.dir()
	e.AppParams, e.Defaults, e.Bound = grant.Params, o.spec.Defaults, grant.Bound
	e.Token = o.spec.Token
	if o.spec.TokenTTLMS > 0 {
		e.TokenExpires = time.Now().Add(time.Duration(o.spec.TokenTTLMS)*time.Millisecond - time.Since(o.received))
	}
	e.Playbook = o.spec.Runtime == wire.RuntimePlaybook
	e.KVContext, e.OutVariables = o.spec.KVContext, o.spec.OutVariables
	e.Timeout = o.spec.Timeout()
	if grant.Limit > 0 && (e.Timeout == 0 || grant.Limit < e.Timeout) { // a service asks for no end
		e.Timeout = grant.Limit
	}
	asked := o.spec.Limits
	e.Limits = e.Limits.Within(job.Limits{Memory: uint64(asked.MemoryMB) << 20, Tasks: uint64(asked.Tasks), CPUWeight: uint64(asked.CPUWeight)})
	return e, nil
}

// auditAccepted says once that the order was accepted, when it is known that the host's owner does not deny it:
// of orders that are denied there may be any number.
func (o *Order) auditAccepted() {
	if o.audited {
		return
	}
	o.audited = true
	o.c.Audit.Record(audit.OrderAccepted, "order", o.ref.String(), "app", o.spec.App.Name, "version", o.spec.App.Version, "sha256", string(o.spec.App.SHA256))
}

// notStarted ends an order whose App did not start.
func (o *Order) notStarted(ctx context.Context, err error) {
	if _, denied := errors.AsType[*guard.Refusal](err); !denied {
		o.auditAccepted()
	}
	switch {
	case errors.Is(err, errFenced):
		o.c.Forget(o.ref)
		return
	case errors.Is(err, errRecalled):
		o.c.Guard.Ended(o.ref, wire.Interrupted, true)
		o.c.Forget(o.ref)
		o.c.Agent.Remove(o) // before the answer: the credit is free when the cloud receives it
		o.send(ctx, &wire.Recalled{Ref: o.ref, OK: true})
		return
	}
	if _, is := errors.AsType[cancelled](err); is {
		o.pass.Cancelled()
	}
	if code, is := Unfit(err); is {
		o.giveBack(ctx, code, err)
		return
	}
	if start, is := errors.AsType[*job.StartError](err); is && start.Code == job.CodeClaimed {
		// The agent ended before the acceptance was durable, and the cloud has given the order once more.
		o.handBack(ctx, job.CodeClaimed, err)
		return
	}
	if errors.Is(err, guard.ErrUnderWay) { // here it may not start yet; that is not the order's fault
		o.handBack(ctx, guard.CodeReplayed, err)
		return
	}
	if r, is := errors.AsType[*guard.Refusal](err); is {
		o.tellDenied(r)
	}
	o.c.Agent.Release(o)
	o.report(ctx, o.failure(err), nil)
}

// tellDenied says in log and audit log that the host's owner denies the order.
func (o *Order) tellDenied(r *guard.Refusal) {
	o.c.Logger.Warn("order is denied", "order", o.ref.String(), "app", o.spec.App.Name, "version", o.spec.App.Version, "code", r.Code, "rule", r.Rule, "reason", r.Err)
	o.c.Audit.Record(audit.OrderDenied, "order", o.ref.String(), "app", o.spec.App.Name, "version", o.spec.App.Version,
		"sha256", string(o.spec.App.SHA256), "code", r.Code, "rule", r.Rule, "reason", r.Err.Error())
}
