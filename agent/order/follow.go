package order

import (
	"context"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
)

// follow waits for the App's end and streams its output meanwhile.
func (o *Order) follow(ctx context.Context, process *job.Process) {
	logs := newLogs(o)
	defer logs.close()
	streaming, stopStreaming := context.WithCancel(ctx)
	streamed := make(chan struct{})
	go func() { defer close(streamed); logs.live(streaming) }()
	talked := make(chan struct{})
	go func() { defer close(talked); o.talk(streaming, process) }()
	obeyed := make(chan struct{})
	go func() { defer close(obeyed); o.obey(streaming) }()
	ended := make(chan struct{})
	cancelling := make(chan struct{})
	go func() {
		defer close(cancelling)
		select {
		case <-ended:
		case <-o.ending.done:
			if ctx.Err() == nil { // an agent that stops leaves its jobs alone
				if err := process.Cancel(ctx); err != nil && ctx.Err() == nil {
					o.c.Logger.Warn("job was not cancelled", "order", o.ref.String(), "err", err)
				}
			}
		}
	}()
	exit, err := process.Wait(ctx)
	close(ended)
	stopStreaming()
	<-streamed
	<-talked
	<-obeyed
	<-cancelling
	if err != nil && ctx.Err() == nil {
		exit = shimLost(err.Error())
		err = nil
	}
	if err != nil {
		return
	}
	o.finish(ctx, exit, logs)
}

// shimLost is the end of a job whose outcome is unknown, with the reason.
func shimLost(why string) job.Exit {
	return job.Exit{Code: -1, Reason: job.ReasonShimLost, Error: why}
}

// finish turns the end of a job into a result and reports it.
func (o *Order) finish(ctx context.Context, exit job.Exit, logs *logs) {
	o.c.Agent.Release(o)
	if exit.Reason == job.ReasonShimLost {
		if err := o.c.Jobs.Reap(ctx, o.dir(), o.shim); err != nil {
			o.c.Logger.Error("leftovers of a job were not ended", "order", o.ref.String(), "err", err)
		}
		o.c.SweepStrays(ctx)
	}
	o.handOver(ctx)
	if o.fenced() {
		o.c.Forget(o.ref)
		return
	}
	result := o.outcome(ctx, exit)
	if result.Outcome == wire.Succeeded || result.Outcome == wire.Partial || result.Outcome == wire.Failed {
		result.Files = o.upload(ctx)
	}
	switch {
	case o.fenced(): // while its files were uploaded
		o.c.Forget(o.ref)
		return
	case ctx.Err() != nil:
		return // the next agent collects once more
	}
	if o.classes != (app.Classes{}) {
		o.c.Archives.Ended(o.ran.Dir, o.ran.Manifest, o.classes, o.dir(), exit)
	}
	o.report(ctx, result, logs)
}
