package agent

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/journal"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
)

// Why an order is ended before its App ended.
var (
	errFenced   = errors.New("fenced")   // no result is wanted
	errRecalled = errors.New("recalled") // no result either, and it did not start
)

type cancelled struct{ reason string }

func (c cancelled) Error() string {
	if c.reason == "" {
		return "cancelled"
	}
	return "cancelled: " + c.reason
}

// order is one attempt at one order on its way through this agent.
type order struct {
	a        *Agent
	ref      wire.Ref
	spec     wire.Order
	received time.Time     // monotonic: for durations
	hello    int           // the session it came in, by the number of its hello
	prepared time.Duration // arrival → the App is executed
	slot     bool          // occupies a slot; guarded by Agent.mu
	shim     job.Status    // who runs the App, once it was started

	unclaimed bool // the cloud has no record of it; guarded by Agent.mu

	ctx   context.Context // ends with the agent, or with a cause by end
	endBy context.CancelCauseFunc
	start chan struct{} // closed when a held order may start
	acked chan struct{} // closed when the cloud has the result
	// unknown wakes the delivery: the cloud has no record of the order.
	unknown chan struct{}

	mu       sync.Mutex
	state    wire.State
	returned bool // given back: what acknowledges that needs no result in the journal
}

func (a *Agent) newOrder(spec wire.Order) *order {
	o := &order{
		a: a, ref: spec.Ref, spec: spec, received: time.Now(), state: wire.StateAccepted,
		start: make(chan struct{}), acked: make(chan struct{}), unknown: make(chan struct{}, 1),
	}
	o.ctx, o.endBy = context.WithCancelCause(a.ctx)
	return o
}

// end asks the order to stop for the given reason. The first reason counts.
func (o *order) end(why error) { o.endBy(why) }

func (o *order) allowStart() {
	o.mu.Lock()
	defer o.mu.Unlock()
	closeOnce(o.start)
}

func (o *order) acknowledge() {
	o.mu.Lock()
	defer o.mu.Unlock()
	closeOnce(o.acked)
}

func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// recall ends the order if its App has not started.
func (o *order) recall() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == wire.StateRunning {
		return false
	}
	o.endBy(errRecalled)
	return true
}

func (o *order) isReturned() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.returned
}

// begin is the point of no return: from here on the App may have started.
func (o *order) begin() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx.Err() != nil {
		return context.Cause(o.ctx)
	}
	o.state = wire.StateRunning
	return nil
}

func (o *order) dir() string     { return filepath.Join(o.a.JobsDir, o.session()) }
func (o *order) session() string { return o.ref.String() }

func (o *order) progress(s wire.State) {
	o.a.send(&wire.Progress{Ref: o.ref, State: s, SinceOrderUS: time.Since(o.received).Microseconds()})
}

// run takes a new order through its whole life.
func (o *order) run(ctx context.Context) {
	defer o.endBy(nil)
	defer o.a.drop(o)
	ref := o.app()
	installed, warm := o.a.Apps.Lookup(ref)
	fresh, err := o.accept(!warm)
	if errors.Is(err, errSessionOver) {
		return // the hello since then did not name it, so the cloud gives it again
	}
	if err != nil {
		err = hostError(err)
		o.a.fitness.Report(fitness.Code(err), err)
		o.a.drop(o) // before the answer: the slot is free when the cloud hears it
		o.a.Logger.Error("order not accepted", "order", o.ref.String(), "err", err)
		o.a.refuse(o.ref, wire.ReasonUnfit)
		return
	}
	if !fresh {
		o.a.answer(o.ref) // the journal remembers what no order in memory stands for
		return
	}
	o.a.send(&wire.Accepted{Ref: o.ref, Hold: !warm})
	o.a.Logger.Info("order accepted", "order", o.ref.String(), "app", o.spec.App.Name, "version", o.spec.App.Version)
	o.a.Audit.Record(audit.OrderAccepted, "order", o.ref.String(), "app", o.spec.App.Name, "version", o.spec.App.Version, "sha256", string(o.spec.App.SHA256))
	if !warm {
		o.progress(wire.StatePreparing)
		if installed, err = o.install(ref); err == nil {
			err = o.awaitStart()
		}
	}
	o.execute(ctx, installed, err)
}

// errSessionOver means that the order came in a session before this one.
var errSessionOver = errors.New("the order's session is over")

// accept journals the order if a hello made from now on will name it.
func (o *order) accept(hold bool) (fresh bool, err error) {
	o.a.joining.RLock()
	defer o.a.joining.RUnlock()
	if o.hello != o.a.hellos {
		return false, errSessionOver
	}
	return o.a.Journal.Accept(journal.Entry{Order: o.spec, Hold: hold, BootID: o.a.Host.BootID(), Accepted: time.Now()})
}

// resume continues an order that was accepted and not started by an agent
// before this one.
func (o *order) resume(ctx context.Context) {
	defer o.endBy(nil)
	defer o.a.drop(o)
	ref := o.app()
	installed, err := o.install(ref)
	if err == nil {
		err = o.awaitStart()
	}
	o.execute(ctx, installed, err)
}

// startPatience is how long a session may leave a held order without an
// answer: a cloud that knows it gives one at once.
const startPatience = 10 * time.Minute

// awaitStart asks for permission to start, in every session anew, and waits for it.
func (o *order) awaitStart() error {
	for {
		s := o.a.session.wait(o.ctx)
		if s == nil {
			return context.Cause(o.ctx)
		}
		o.a.send(&wire.Ready{Ref: o.ref})
		select {
		case <-o.start:
			return nil
		case <-s.done:
		case <-time.After(startPatience):
			return errTooLate
		case <-o.ctx.Done():
			return context.Cause(o.ctx)
		}
	}
}

// execute starts the App, unless preparing it has failed, and reports.
func (o *order) execute(ctx context.Context, installed app.App, err error) {
	var process *job.Process
	if err == nil {
		process, err = o.launch(installed)
	}
	if err != nil {
		if ctx.Err() == nil { // else the agent stops, and the next one goes on
			o.unstarted(ctx, err)
		}
		return
	}
	o.prepared = time.Since(o.received)
	o.progress(wire.StateRunning)
	o.follow(ctx, process)
}

// launch prepares the job's folder and starts the shim.
func (o *order) launch(installed app.App) (*job.Process, error) {
	if o.spec.StartWithinMS > 0 && time.Since(o.received).Milliseconds() > o.spec.StartWithinMS {
		return nil, errTooLate
	}
	if o.spec.ParamsByHTTPS {
		params, err := o.a.Cloud.Params(o.ctx, o.ref)
		if err != nil {
			return nil, err
		}
		o.spec.Params = params
	}
	if err := o.a.MakeJobDir(o.dir()); err != nil {
		return nil, err
	}
	execution, err := o.execution()
	if err != nil {
		return nil, err
	}
	launch, err := installed.Launch(execution)
	if err != nil {
		return nil, err
	}
	if err := o.begin(); err != nil {
		return nil, err
	}
	// The shim is started whatever happens to o.ctx: a cancel from now on goes to it.
	process, err := o.a.Jobs.StartNoted(context.WithoutCancel(o.ctx), launch, func(s job.Status) error {
		shim, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if err := o.a.Journal.Starting(o.ref, shim); err != nil {
			return hostError(err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	o.shim = process.Status()
	o.spec.Params, o.spec.Token, o.spec.Defaults = nil, "", nil
	if err := o.a.Journal.Started(o.ref); err != nil {
		o.a.Logger.Warn("the time of a start was not journaled", "order", o.ref.String(), "err", err)
	}
	return process, nil
}

// execution is what this order's App is told.
func (o *order) execution() (app.Execution, error) {
	e, err := o.a.Execution(o.ctx, o.session())
	if err != nil {
		return e, err
	}
	e.Session, e.JobDir = o.session(), o.dir()
	e.AppParams, e.Defaults = o.spec.Params, o.spec.Defaults
	e.Token = o.spec.Token
	if o.spec.TokenTTLMS > 0 {
		e.TokenExpires = time.Now().Add(time.Duration(o.spec.TokenTTLMS)*time.Millisecond - time.Since(o.received))
	}
	e.Playbook = o.spec.Runtime == wire.RuntimePlaybook
	e.KVContext, e.OutVariables = o.spec.KVContext, o.spec.OutVariables
	e.Timeout = o.spec.Timeout()
	return e, nil
}

// follow waits for the App's end, streaming its output meanwhile.
func (o *order) follow(ctx context.Context, process *job.Process) {
	logs := newTail(o)
	defer logs.close()
	streaming, stopStreaming := context.WithCancel(ctx)
	streamed := make(chan struct{})
	go func() { defer close(streamed); logs.live(streaming) }()
	ended := make(chan struct{})
	cancelling := make(chan struct{})
	go func() {
		defer close(cancelling)
		select {
		case <-ended:
		case <-o.ctx.Done():
			if ctx.Err() == nil { // an agent that stops leaves its jobs alone
				if err := process.Cancel(ctx); err != nil && ctx.Err() == nil {
					o.a.Logger.Warn("job was not cancelled", "order", o.ref.String(), "err", err)
				}
			}
		}
	}()
	exit, err := process.Wait(ctx)
	close(ended)
	stopStreaming()
	<-streamed
	<-cancelling
	if err != nil && ctx.Err() == nil {
		exit = job.Exit{Code: -1, Reason: job.ReasonShimLost, Error: err.Error()}
		err = nil
	}
	if err != nil {
		return
	}
	o.finish(ctx, exit, logs)
}
