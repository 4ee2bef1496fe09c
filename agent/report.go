package agent

import (
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/plain"
)

// uploadPatience bounds how long a result waits for the upload of its files.
const uploadPatience = 10 * time.Minute

// finish turns the end of a job into a result and reports it.
func (o *order) finish(ctx context.Context, exit job.Exit, logs *tail) {
	o.a.release(o)
	if exit.Reason == job.ReasonShimLost {
		if err := o.a.Jobs.Reap(ctx, o.dir(), o.shim); err != nil {
			o.a.Logger.Error("leftovers of a job were not ended", "order", o.ref.String(), "err", err)
		}
		o.a.sweepStrays(ctx)
	}
	if o.fenced() {
		o.a.forget(o.ref)
		return
	}
	result := o.outcome(exit)
	if result.Outcome == wire.Succeeded || result.Outcome == wire.Partial || result.Outcome == wire.Failed {
		result.Files = o.upload(ctx)
	}
	switch {
	case o.fenced(): // while its files went out
		o.a.forget(o.ref)
		return
	case ctx.Err() != nil:
		return // the next agent collects once more
	}
	o.report(ctx, result, logs)
}

// unstarted reports an order whose App did not start.
func (o *order) unstarted(ctx context.Context, err error) {
	switch {
	case errors.Is(err, errFenced):
		o.a.forget(o.ref)
		return
	case errors.Is(err, errRecalled):
		o.a.forget(o.ref)
		o.a.drop(o) // before the answer: the credit is free when the cloud hears it
		o.a.send(&wire.Recalled{Ref: o.ref, OK: true})
		return
	}
	if code, is := unfit(err); is {
		o.giveBack(ctx, code, err)
		return
	}
	o.a.release(o)
	o.report(ctx, o.failure(err), nil)
}

func (o *order) fenced() bool {
	return errors.Is(context.Cause(o.ctx), errFenced)
}

// journalRetry bounds the time between tries to journal a result.
const journalRetry = 10 * time.Second

// report journals the result and repeats it, behind the rest of the log, in
// every session until the cloud has it.
func (o *order) report(ctx context.Context, result wire.Result, logs *tail) {
	o.a.Logger.Info("order ended", "order", o.ref.String(), "outcome", string(result.Outcome),
		"exit_code", result.ExitCode, "error", result.Error, "run_ms", result.RunMS)
	for wait := time.Second; ; wait = min(2*wait, journalRetry) {
		err := o.a.Journal.Finish(result)
		if err == nil {
			break
		}
		o.a.Logger.Error("result not journaled, trying again", "order", o.ref.String(), "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
	if err := o.a.Jobs.Noted(ctx, o.dir(), o.shim); err != nil && ctx.Err() == nil {
		o.a.Logger.Warn("a shim that keeps the end of its job was not told that it may go", "order", o.ref.String(), "err", err)
	}
	o.deliver(ctx, result, logs)
}

// deliver repeats a journaled result until it is acknowledged.
func (o *order) deliver(ctx context.Context, result wire.Result, logs *tail) {
	var offers unclaimed
	for {
		s := o.a.session.wait(ctx)
		if s == nil {
			return
		}
		if logs != nil {
			if err := logs.pump(ctx, s); err != nil && ctx.Err() == nil {
				o.a.Logger.Debug("log was not sent to its end", "order", o.ref.String(), "err", err)
			}
		}
		if err := o.a.link.SendLast(ctx, s.epoch, &result); err != nil && ctx.Err() == nil {
			o.a.Logger.Debug("result was not sent", "order", o.ref.String(), "err", err)
		}
		select {
		case <-o.acked:
			o.settle()
			return
		case <-o.unknown:
			if !o.again(ctx, &offers, s) {
				return
			}
		case <-o.ctx.Done():
			if o.fenced() {
				o.a.forget(o.ref)
				return
			}
			select { // cancelled after its end: the result stands
			case <-o.acked:
				o.settle()
				return
			case <-o.unknown:
				if !o.again(ctx, &offers, s) {
					return
				}
			case <-s.done:
			case <-ctx.Done():
				return
			}
		case <-s.done:
		}
	}
}

// settle lets go of an order whose result the cloud has. The session's reader does not do it: it would
// wait for a disk that is frozen.
func (o *order) settle() {
	o.a.forget(o.ref)
	if o.a.Tidy != nil {
		o.a.Tidy(o.session())
	}
}

// maxFileError bounds the error of one file in bytes, so that a result with all of them fits into
// a frame. The end of an error is kept: it says why.
const maxFileError = 200

// upload sends what the App published.
func (o *order) upload(ctx context.Context) []wire.File {
	ctx, cancel := context.WithTimeout(ctx, uploadPatience)
	defer cancel()
	defer context.AfterFunc(o.ctx, func() {
		if o.fenced() { // nobody wants them
			cancel()
		}
	})()
	published, err := app.Published(o.dir(), o.manifest())
	var files []wire.File
	if err != nil {
		o.a.Logger.Warn("not all published files are delivered", "order", o.ref.String(), "err", err)
		files = append(files, wire.File{Name: "*", Error: err.Error()})
	}
	for _, p := range published {
		file := wire.File{Name: p.Name, Size: p.Size}
		if p.Err != nil {
			file.Error = plain.Tail(p.Err.Error(), maxFileError)
			o.a.Logger.Warn("published file is not delivered", "order", o.ref.String(), "file", p.Name, "err", p.Err)
		} else {
			sha, err := o.a.Cloud.Upload(ctx, o.ref, p.Name, p.File, p.Size)
			_ = p.File.Close()
			file.SHA256 = sha
			if err != nil {
				file.Error = plain.Tail(err.Error(), maxFileError)
				o.a.Logger.Warn("published file was not uploaded", "order", o.ref.String(), "file", p.Name, "err", err)
			}
		}
		files = append(files, file)
	}
	return files
}
