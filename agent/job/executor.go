package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
)

// startPatience bounds a Start whose context has no end: sudo may ask slow
// directories who tc-job is, but nothing may start for ever.
const startPatience = time.Minute

// Config is what an Executor needs.
type Config struct {
	Exe    string       // path of tcenvsvr, which is run as "Exe job-shim"; "" = this program
	Runner Runner       // nil = Direct
	Logger *slog.Logger // nil = none
}

// Executor starts jobs and finds them again. It is safe for concurrent use.
type Executor struct {
	exe    string
	runner Runner
	log    *slog.Logger
	spare  chan *hired // from Run to whoever starts next
}

// NewExecutor checks that Exe is there.
func NewExecutor(c Config) (*Executor, error) {
	e := &Executor{exe: c.Exe, runner: c.Runner, log: c.Logger, spare: make(chan *hired)}
	if e.exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding the program of the shim: %w", err)
		}
		e.exe = exe
	}
	if !filepath.IsAbs(e.exe) {
		return nil, fmt.Errorf("finding the program of the shim: %q is not absolute", e.exe)
	}
	if _, err := os.Stat(e.exe); err != nil {
		return nil, fmt.Errorf("finding the program of the shim: %w", err)
	}
	if e.runner == nil {
		e.runner = Direct{}
	}
	_ = proc.BootID() // while it can be read
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e, nil
}

// Start returns when the App is executed. After a *StartError nothing of
// the job runs, and its folder is spent. ctx bounds the start, not the job:
// a job that is beyond recall when ctx ends is returned.
func (e *Executor) Start(ctx context.Context, l Launch) (*Process, error) {
	l.OwnerUID = os.Getuid()
	if err := l.Validate(); err != nil {
		return nil, &StartError{Code: spec.CodeLaunch, Err: fmt.Errorf("checking the launch: %w", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	request, err := spec.Encode(spec.Request{Op: spec.OpStart, Launch: &l})
	if err != nil {
		return nil, &StartError{Code: spec.CodeLaunch, Err: fmt.Errorf("encoding the launch: %w", err)}
	}
	defer clear(request)
	h, reply, err := e.send(ctx, request)
	if h == nil {
		return nil, doubted(l.Dir, err) // a spare may have died with the request
	}
	if err != nil && ctx.Err() != nil {
		reply, err = e.overdue(ctx, h, l.Dir)
	}
	switch {
	case err != nil:
		return nil, doubted(l.Dir, e.explain(h, err))
	case reply.Status == nil:
		h.lastWords() // the folder may be removed when it has ended
		return nil, &StartError{Code: reply.Code, Err: errors.New(reply.Error)}
	}
	h.release()
	e.log.Debug("job started", "job", l.ID, "shim_pid", reply.Status.ShimPID, "app_pid", reply.Status.AppPID)
	return &Process{e: e, dir: l.Dir, status: *reply.Status}, nil
}

// send gives the request to a shim. A spare that died while it waited is
// replaced; should it have died with the request, the new one finds the folder claimed.
func (e *Executor) send(ctx context.Context, request []byte) (*hired, spec.Reply, error) {
	if h := e.takeSpare(); h != nil {
		defer close(h.answered)
		reply, err := h.ask(ctx, request)
		if !errors.Is(err, errNoAnswer) {
			return h, reply, err
		}
		h.release()
	}
	h, err := e.hire(ctx)
	if err != nil {
		return nil, spec.Reply{}, err
	}
	reply, err := h.ask(ctx, request)
	return h, reply, err
}

// overdue decides what becomes of a start when its time is up: if the
// shim has not claimed the folder yet, it never will; if it has, its word is near.
func (e *Executor) overdue(ctx context.Context, h *hired, dir string) (spec.Reply, error) {
	cause := context.Cause(ctx)
	if fence(dir) == nil {
		h.dismiss()
		return spec.Reply{}, &StartError{Code: spec.CodeTimeout, Err: fmt.Errorf("starting the shim: %w", cause)}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	reply, err := h.ask(ctx, nil)
	if err == nil {
		return reply, nil
	}
	if _, reapErr := e.reap(ctx, dir, nil); reapErr != nil {
		err = errors.Join(err, reapErr)
	}
	return spec.Reply{}, &StartError{Code: spec.CodeTimeout, Err: fmt.Errorf("starting the App: %w", err), Doubt: true}
}

// doubted is the error of a start whose shim ended without a word. Only a folder that was seen
// not to be claimed, or to be claimed by us, proves that no App was executed.
func doubted(dir string, err error) error {
	start, ok := errors.AsType[*StartError](err)
	if !ok || start.Doubt {
		return err
	}
	s, err := readStatus(dir)
	never := errors.Is(err, os.ErrNotExist) || err == nil && s.State == spec.Fenced
	return &StartError{Code: start.Code, Err: start.Err, Doubt: !never}
}

// explain makes a StartError of a shim that ended without a word.
func (e *Executor) explain(h *hired, err error) error {
	if start, ok := errors.AsType[*StartError](err); ok {
		return start
	}
	said := h.lastWords()
	if code, refusal := e.runner.explain(said); code != "" {
		return &StartError{Code: code, Err: fmt.Errorf("starting the shim: %s", refusal)}
	}
	if len(said) > 0 {
		err = errors.New(said[len(said)-1])
	}
	for _, line := range said { // a Go program that may not make threads prints its registers as well
		if strings.HasPrefix(line, "runtime: failed to create new OS thread") {
			return &StartError{Code: spec.CodeNoProcess, Err: fmt.Errorf("starting the shim: %s", line)}
		}
	}
	return &StartError{Code: spec.CodeShim, Err: fmt.Errorf("starting the shim: %w", err)}
}

// Attach finds the job that an agent before this one started in dir. An
// error that is not ErrNotRunning means that it cannot be known yet.
func (e *Executor) Attach(dir string) (*Process, error) {
	s, err := readStatus(dir)
	if errors.Is(err, os.ErrNotExist) {
		if err := fence(dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("attaching to %q: %w", dir, ErrNeverStarted)
		}
		s, err = readStatus(dir) // a shim was faster
	}
	switch {
	case errors.Is(err, spec.ErrCorrupt): // the App did that; its shim may live, but who it is cannot be known
		return nil, fmt.Errorf("attaching to %q: %w: %w", dir, ErrNotRunning, err)
	case err != nil:
		return nil, fmt.Errorf("attaching to %q: %w", dir, err)
	case s.State == spec.Fenced:
		return nil, fmt.Errorf("attaching to %q: %w", dir, ErrNeverStarted)
	}
	p := &Process{e: e, dir: dir, status: s}
	if !p.alive() {
		return nil, fmt.Errorf("attaching to %q: %w", dir, ErrNotRunning)
	}
	return p, nil
}

// Reap ends what a lost shim left behind in dir, as far as it can be
// recognised (see package shim), and the shim itself if it still lives.
func (e *Executor) Reap(ctx context.Context, dir string) error {
	_, err := e.reap(ctx, dir, nil)
	return err
}

// reap is Reap for the processes of s, if that is known, and counts what it ended.
func (e *Executor) reap(ctx context.Context, dir string, s *Status) (killed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	reply, err := e.order(ctx, spec.Request{Op: spec.OpReap, Dir: dir, Status: s})
	if err != nil {
		return 0, fmt.Errorf("ending the leftovers of %q: %w", dir, err)
	}
	return reply.Killed, nil
}

// clearPatience bounds a Clear: a folder may hold millions of files.
const clearPatience = 10 * time.Minute

// Clear empties a folder of what belongs to the user of Apps, also where an App has
// closed it to others. What cannot be removed is left: the caller looks.
func (e *Executor) Clear(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, clearPatience)
	defer cancel()
	if _, err := e.order(ctx, spec.Request{Op: spec.OpClear, Dir: dir}); err != nil {
		return fmt.Errorf("clearing %q as the user of Apps: %w", dir, err)
	}
	return nil
}

// ErrUnreadable means that the user of Apps cannot read a file.
var ErrUnreadable = errors.New("the user of Apps cannot read it")

// Readable proves that the user of Apps can read files. An error that is
// not ErrUnreadable means that it could not be tried.
func (e *Executor) Readable(ctx context.Context, files []string) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	_, err := e.order(ctx, spec.Request{Op: spec.OpRead, Paths: files})
	if start, ok := errors.AsType[*StartError](err); ok && start.Code == spec.CodeUnreadable {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}

// order has a shim of its own fulfil a request that starts nothing.
func (e *Executor) order(ctx context.Context, r spec.Request) (spec.Reply, error) {
	request, err := spec.Encode(r)
	if err != nil {
		return spec.Reply{}, err
	}
	h, err := e.hire(ctx)
	if err != nil {
		return spec.Reply{}, err
	}
	reply, err := h.ask(ctx, request)
	if err != nil {
		return spec.Reply{}, e.explain(h, err)
	}
	h.release()
	if reply.Error != "" {
		return spec.Reply{}, &StartError{Code: reply.Code, Err: errors.New(reply.Error)}
	}
	return reply, nil
}
