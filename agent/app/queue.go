package app

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Bytecode is what a status says of the bytecode of Apps.
type Bytecode struct {
	Pending  int               `json:"pending"` // Apps that are being compiled, or will be
	Problems []BytecodeProblem `json:"problems,omitempty"`
}

// BytecodeProblem is why Apps have no bytecode, or not all: they run, and start later.
type BytecodeProblem struct {
	App   string    `json:"app"` // the first that had it: <name>_v<major>/<sha256>
	What  string    `json:"what"`
	Found time.Time `json:"found"`
}

const (
	// compileRetry is how long an App stays as it is when it could not be compiled.
	compileRetry = 24 * time.Hour
	// maxProblems is how many different ones are remembered.
	maxProblems = 20
)

// task is an App that is to be compiled for an interpreter.
type task struct {
	app         App
	interpreter string
}

// queue holds the Apps that are to be compiled, one after the other.
type queue struct {
	wake   chan struct{} // carries nothing: tasks tells what there is to do
	failed func(task, error)

	mu       sync.Mutex
	tasks    []task // the first one is under way
	tried    map[string]time.Time
	problems []BytecodeProblem
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), tried: map[string]time.Time{}, failed: func(task, error) {}}
}

// key is one installation and one interpreter.
func (t task) key() string { return t.app.Dir + "\x00" + t.interpreter }

// add adds a task, unless it is there already, or failed not long ago.
func (q *queue) add(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if slices.ContainsFunc(q.tasks, func(other task) bool { return other.app.Dir == t.app.Dir }) ||
		time.Since(q.tried[t.key()]) < compileRetry {
		return
	}
	q.tasks = append(q.tasks, t)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run does the tasks until ctx ends.
func (q *queue) run(ctx context.Context, do func(context.Context, task) error) {
	for ctx.Err() == nil {
		t, ok := q.first()
		if !ok {
			select {
			case <-q.wake:
			case <-ctx.Done():
			}
			continue
		}
		q.done(t, do(ctx, t), ctx.Err() != nil)
	}
}

func (q *queue) first() (task, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) == 0 {
		return task{}, false
	}
	return q.tasks[0], true
}

// done takes a task out. A problem is told once, whichever Apps have it.
func (q *queue) done(t task, err error, stopped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = q.tasks[1:]
	if stopped {
		return
	}
	delete(q.tried, t.key())
	if err == nil {
		return
	}
	q.tried[t.key()] = time.Now()
	known := func(p BytecodeProblem) bool { return p.What == err.Error() }
	if slices.ContainsFunc(q.problems, known) || len(q.problems) == maxProblems {
		return
	}
	name := filepath.Join(filepath.Base(filepath.Dir(t.app.Dir)), filepath.Base(t.app.Dir))
	q.problems = append(q.problems, BytecodeProblem{App: name, What: err.Error(), Found: time.Now()})
	q.failed(t, err)
}

// Bytecode says what is being compiled, and what could not be since the start.
func (c *Catalog) Bytecode() Bytecode {
	q := c.compiling
	q.mu.Lock()
	defer q.mu.Unlock()
	return Bytecode{Pending: len(q.tasks), Problems: slices.Clone(q.problems)}
}
