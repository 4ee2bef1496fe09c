package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// Reap ends what a lost shim left behind in dir, as far as that can be recognised (see package
// shim), and the shim itself if it still lives. known is as with [Executor.Attach].
func (e *Executor) Reap(ctx context.Context, dir string, known Status) error {
	var s *Status
	if known.ShimPID != 0 {
		s = &known
	}
	_, err := e.reap(ctx, dir, s)
	return err
}

// reap is Reap for the processes of s, if s is known. It counts the processes that it ended.
func (e *Executor) reap(ctx context.Context, dir string, s *Status) (killed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	reply, err := e.request(ctx, spec.Request{Op: spec.OpReap, Dir: dir, Status: s})
	if err != nil {
		return 0, fmt.Errorf("ending the leftovers of %q: %w", dir, err)
	}
	return reply.Killed, nil
}

// Sweep ends processes that Apps left behind after they had ended their shims, and that
// [Executor.Reap] does not recognise: those that belong to none of the jobs that this Executor has
// started or attached to, which must be all jobs. It looks for them in the control group of a
// service on Linux, and finds nothing elsewhere.
func (e *Executor) Sweep(ctx context.Context) (killed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	r := spec.Request{Op: spec.OpSweep, Agent: os.Getpid()}
	e.mu.Lock()
	for p := range e.living {
		r.Living = append(r.Living, p.status)
	}
	e.mu.Unlock()
	reply, err := e.request(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("ending what belongs to no job: %w", err)
	}
	return reply.Killed, nil
}

// clearTimeout bounds a Clear: a folder may hold millions of files.
const clearTimeout = 10 * time.Minute

// Clear removes from a folder what belongs to the user of Apps, also where an App has closed a
// folder to others. What cannot be removed is left; the caller must look.
func (e *Executor) Clear(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, clearTimeout)
	defer cancel()
	if _, err := e.request(ctx, spec.Request{Op: spec.OpClear, Dir: dir}); err != nil {
		return fmt.Errorf("clearing %q as the user of Apps: %w", dir, err)
	}
	return nil
}

// ErrUnreadable means that the user of Apps cannot read a file.
var ErrUnreadable = errors.New("the user of Apps cannot read it")

// Readable proves that the user of Apps can read files. An error that is not [ErrUnreadable] means
// that it could not be tried.
func (e *Executor) Readable(ctx context.Context, files []string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	_, err := e.request(ctx, spec.Request{Op: spec.OpRead, Paths: files})
	if start, ok := errors.AsType[*StartError](err); ok && start.Code == spec.CodeUnreadable {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}

// request has a new shim fulfil a request that starts nothing.
func (e *Executor) request(ctx context.Context, r spec.Request) (spec.Reply, error) {
	line, err := spec.Encode(r)
	if err != nil {
		return spec.Reply{}, err
	}
	h, err := e.startShim(ctx)
	if err != nil {
		return spec.Reply{}, err
	}
	reply, err := h.ask(ctx, line, false)
	if err != nil {
		return spec.Reply{}, e.explain(h, err)
	}
	h.release()
	if reply.Error != "" {
		return spec.Reply{}, &StartError{Code: reply.Code, Err: errors.New(reply.Error)}
	}
	return reply, nil
}
