package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

	mu     sync.Mutex
	living map[*Process]bool // whose end nobody has heard yet
}

func (e *Executor) process(dir string, s Status) *Process {
	p := &Process{e: e, dir: dir, status: s}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.living[p] = true
	return p
}

func (e *Executor) ended(p *Process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.living, p)
}

// NewExecutor checks that Exe is there.
func NewExecutor(c Config) (*Executor, error) {
	e := &Executor{exe: c.Exe, runner: c.Runner, log: c.Logger, spare: make(chan *hired), living: map[*Process]bool{}}
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
	return e.StartNoted(ctx, l, func(Status) error { return nil })
}

// StartNoted is Start for an agent that must know after its own death what it has started: note gets to
// know the shim before anything is executed. Until it has returned nil, and this agent lives on, nothing is.
func (e *Executor) StartNoted(ctx context.Context, l Launch, note func(Status) error) (*Process, error) {
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
		return nil, err
	}
	defer h.used()
	if err != nil && ctx.Err() != nil { // it will hear the end instead of Go
		h.dismiss()
		return nil, &StartError{Code: spec.CodeTimeout, Err: fmt.Errorf("starting the shim: %w", context.Cause(ctx))}
	}
	said := false // Go: from then on the App may have been executed
	if err == nil && reply.Status != nil {
		status := *reply.Status
		if err := note(status); err != nil {
			_ = h.in.Close()
			h.lastWords() // its end: the folder may be removed then
			return nil, &StartError{Code: spec.CodeGivenUp, Err: err}
		}
		said = true
		if reply, err = h.ask(ctx, []byte(spec.Go), false); err != nil {
			reply, err = e.unheard(ctx, h, l.Dir, &status, err)
		}
	}
	switch {
	case err != nil:
		start := e.explain(h, err)
		start.Doubt = said
		return nil, start
	case reply.Status == nil:
		h.lastWords() // the folder may be removed when it has ended
		return nil, &StartError{Code: reply.Code, Err: errors.New(reply.Error)}
	}
	h.release()
	e.log.Debug("job started", "job", l.ID, "shim_pid", reply.Status.ShimPID, "app_pid", reply.Status.AppPID)
	return e.process(l.Dir, *reply.Status), nil
}

// send gives the request to a shim. A spare that died while it waited is
// replaced; should it have died with the request, the new one finds the folder claimed.
func (e *Executor) send(ctx context.Context, request []byte) (*hired, spec.Reply, error) {
	if h := e.takeSpare(); h != nil {
		reply, err := h.ask(ctx, request, true)
		if !errors.Is(err, errNoAnswer) {
			return h, reply, err
		}
		h.used()
		h.release()
	}
	h, err := e.hire(ctx)
	if err != nil {
		return nil, spec.Reply{}, err
	}
	reply, err := h.ask(ctx, request, true)
	return h, reply, err
}

// unheard decides what becomes of a start of which the shim did not tell after Go. If its time is up
// its word may be near; else it ended, which an App can bring about. Then all of it ends: it would be nobody's.
func (e *Executor) unheard(ctx context.Context, h *hired, dir string, s *Status, err error) (spec.Reply, error) {
	late := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	if late {
		patient, cancel := context.WithTimeout(ctx, unheardPatience)
		defer cancel()
		reply, err := h.ask(patient, nil, false)
		if err == nil {
			return reply, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, unheardPatience)
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

const unheardPatience = 10 * time.Second

// explain makes a StartError of a shim that ended without a word.
func (e *Executor) explain(h *hired, err error) *StartError {
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

// Attach finds the job that an agent before this one started in dir: the one that its note
// knows, or, where known is zero, the one that the folder's own record tells of. An
// error that is not ErrNotRunning means that it cannot be known yet.
func (e *Executor) Attach(dir string, known Status) (*Process, error) {
	s, err := known, known.Belongs(dir)
	if known.ShimPID == 0 {
		s, err = spec.ReadStatus(dir)
	}
	switch {
	case errors.Is(err, spec.ErrCopied), errors.Is(err, os.ErrNotExist),
		errors.Is(err, spec.ErrCorrupt): // the App did that; its shim may live, but who it is cannot be known
		return nil, fmt.Errorf("attaching to %q: %w: %w", dir, ErrNotRunning, err)
	case err != nil:
		return nil, fmt.Errorf("attaching to %q: %w", dir, err)
	}
	p := e.process(dir, s)
	if !p.alive() {
		e.ended(p)
		return nil, fmt.Errorf("attaching to %q: %w", dir, ErrNotRunning)
	}
	return p, nil
}

// Reap ends what a lost shim left behind in dir, as far as it can be
// recognised (see package shim), and the shim itself if it still lives. known is as with Attach.
func (e *Executor) Reap(ctx context.Context, dir string, known Status) error {
	var s *Status
	if known.ShimPID != 0 {
		s = &known
	}
	_, err := e.reap(ctx, dir, s)
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

// Sweep ends what Apps left behind that had ended their shims and that Reap does not recognise: what
// belongs to none of the jobs that this Executor has started or attached to, which must be all. It finds
// that in the control group of a service on Linux, and nothing elsewhere.
func (e *Executor) Sweep(ctx context.Context) (killed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	r := spec.Request{Op: spec.OpSweep, Agent: os.Getpid()}
	e.mu.Lock()
	for p := range e.living {
		r.Living = append(r.Living, p.status)
	}
	e.mu.Unlock()
	reply, err := e.order(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("ending what belongs to no job: %w", err)
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
	reply, err := h.ask(ctx, request, false)
	if err != nil {
		return spec.Reply{}, e.explain(h, err)
	}
	h.release()
	if reply.Error != "" {
		return spec.Reply{}, &StartError{Code: reply.Code, Err: errors.New(reply.Error)}
	}
	return reply, nil
}
