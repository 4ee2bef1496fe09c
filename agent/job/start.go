package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
)

const (
	// startTimeout bounds a Start whose context has no end: sudo may ask slow directories who
	// tc-job is, but no start may take for ever.
	startTimeout = time.Minute
	// lateTimeout bounds the wait for the answer of a shim whose time is up, and then the end of
	// its job.
	lateTimeout = 10 * time.Second
)

// Start returns when the App is executed. After a [*StartError] nothing of the job runs, and its
// folder is used up. ctx bounds the start, not the job: a job that can no longer be stopped from
// starting when ctx ends is returned.
func (e *Executor) Start(ctx context.Context, l Launch) (*Process, error) {
	return e.StartNoted(ctx, l, func(Status) error { return nil })
}

// StartNoted is [Executor.Start] for an agent whose successor must know what was started. note is
// called with the shim's Status before anything is executed. The App is executed only after note
// has returned nil, and only if this agent is still alive then.
func (e *Executor) StartNoted(ctx context.Context, l Launch, note func(Status) error) (*Process, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return e.startBy(ctx, l, note, e.send)
}

// startBy starts a job by the shim to which send gives the request.
func (e *Executor) startBy(ctx context.Context, l Launch, note func(Status) error,
	send func(context.Context, []byte, *Launch) (*startedShim, spec.Reply, error),
) (*Process, error) {
	l.OwnerUID, l.Network = os.Getuid(), sock.Network()
	if err := l.Validate(); err != nil {
		return nil, &StartError{Code: spec.CodeLaunch, Err: fmt.Errorf("checking the launch: %w", err)}
	}
	request, err := spec.Encode(spec.Request{Op: spec.OpStart, Launch: &l})
	if err != nil {
		return nil, &StartError{Code: spec.CodeLaunch, Err: fmt.Errorf("encoding the launch: %w", err)}
	}
	defer clear(request)
	h, reply, err := send(ctx, request, &l)
	if h == nil {
		return nil, err
	}
	attended := false
	defer func() {
		if h.serves && !attended {
			e.pool.back(h, false)
		}
	}()
	if err != nil && ctx.Err() != nil { // the shim will read the end of its input instead of Go
		h.dismiss()
		return nil, &StartError{Code: spec.CodeTimeout, Err: fmt.Errorf("starting the shim: %w", context.Cause(ctx))}
	}
	allowed := false // Go was sent: from then on the App may have been executed
	if err == nil && reply.Status != nil {
		status := *reply.Status
		if err := note(status); err != nil {
			_ = h.in.Close()
			h.awaitEnd() // then the folder may be removed
			return nil, &StartError{Code: spec.CodeGivenUp, Err: err}
		}
		allowed = true
		if reply, err = h.ask(ctx, []byte(spec.Go), h.serves); err != nil {
			reply, err = e.resolveStart(ctx, h, l.Dir, &status, err)
		}
	}
	switch {
	case err != nil:
		start := e.explain(h, err)
		start.Doubt = allowed
		return nil, start
	case reply.Status == nil:
		h.awaitEnd() // the folder may be removed when it has ended
		return nil, &StartError{Code: reply.Code, Err: errors.New(reply.Error)}
	}
	if why := reply.Status.Unlimited; why != "" {
		e.unlimited.Do(func() {
			e.log.Warn("the memory of Apps is not limited on this host", "err", why, "hint", "appsMemoryMegabytes and limits of orders need appsRunner=socket and control groups of version 2")
		})
	}
	e.log.Debug("job started", "job", l.ID, "shim_pid", reply.Status.ShimPID, "app_pid", reply.Status.AppPID)
	p := e.process(l.Dir, *reply.Status)
	if attended = h.serves; !attended {
		h.release()
		return p, nil
	}
	p.end = make(chan struct{})
	go e.attend(h, p)
	return p, nil
}

// send gives the request to a shim: the prewarmed one, or a new one if there is none or it died
// while it waited. If it died with the request, the new one finds the folder claimed.
func (e *Executor) send(ctx context.Context, request []byte, l *Launch) (*startedShim, spec.Reply, error) {
	if l.Tied || l.Template { // it ends with whoever waits at its socket
		return e.sendTo(ctx, request, e.startShim)
	}
	if h := e.pool.take(ctx); h != nil {
		reply, err := h.ask(ctx, request, true)
		if !errors.Is(err, errNoAnswer) {
			return h, reply, err
		}
		e.pool.back(h, false)
		h.release()
	}
	if e.pool.serves() {
		h, reply, err := e.sendTo(ctx, request, e.startServing)
		if h == nil {
			e.pool.back(nil, false)
		}
		if !errors.Is(err, errCannotServe) {
			return h, reply, err
		}
	}
	return e.sendTo(ctx, request, e.startShim)
}

func (e *Executor) sendTo(ctx context.Context, request []byte, start func(context.Context) (*startedShim, error)) (*startedShim, spec.Reply, error) {
	h, err := start(ctx)
	if err != nil {
		return nil, spec.Reply{}, err
	}
	reply, err := h.ask(ctx, request, true)
	return h, reply, err
}

// resolveStart decides what becomes of a start to which the shim did not answer after Go. If the
// time is up, the answer may still come soon. Otherwise the shim has ended, which an App can bring
// about; then everything of the job is ended, because nobody would look after it.
func (e *Executor) resolveStart(ctx context.Context, h *startedShim, dir string, s *Status, err error) (spec.Reply, error) {
	late := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	if late {
		waiting, cancel := context.WithTimeout(ctx, lateTimeout)
		defer cancel()
		reply, err := h.ask(waiting, nil, false)
		if err == nil {
			return reply, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lateTimeout)
	defer cancel()
	if _, reapErr := e.reap(ctx, dir, s); reapErr != nil {
		err = errors.Join(err, reapErr)
	}
	if late {
		h.release()
		err = &StartError{Code: spec.CodeTimeout, Err: fmt.Errorf("starting the App: %w", err)}
	}
	return spec.Reply{}, err
}

// explain makes a StartError for a shim that ended without an answer, from its stderr.
func (e *Executor) explain(h *startedShim, err error) *StartError {
	if start, ok := errors.AsType[*StartError](err); ok {
		return start
	}
	stderr := h.awaitEnd()
	if code, refusal := e.runner.explain(stderr); code != "" {
		return &StartError{Code: code, Err: fmt.Errorf("starting the shim: %s", refusal)}
	}
	if len(stderr) > 0 {
		err = errors.New(stderr[len(stderr)-1])
	}
	for _, line := range stderr { // a Go program that may not make threads prints its registers as well
		if strings.HasPrefix(line, "runtime: failed to create new OS thread") {
			return &StartError{Code: spec.CodeNoProcess, Err: fmt.Errorf("starting the shim: %s", line)}
		}
	}
	return &StartError{Code: spec.CodeShim, Err: fmt.Errorf("starting the shim: %w", err)}
}
