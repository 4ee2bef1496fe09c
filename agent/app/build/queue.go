package build

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// Retry is how long an App stays as it is when nothing could be made of it.
	Retry = 24 * time.Hour
	// maxTasks bounds a queue: an App that finds no room asks again with its next run.
	maxTasks = 64
	// maxProblems is how many different ones are remembered, and maxTried how many failures.
	maxProblems = 20
	maxTried    = 1000
)

// Task is something that is to be made of an App.
type Task[T any] struct {
	Dir  string // the App's installation
	Key  string // of what it is made of; a failure counts for this key
	With T      // what the maker needs besides
}

// App is <name>_v<major>/<sha256>.
func (t Task[T]) App() string { return AppOf(t.Dir) }

// AppOf names the App that is installed in dir: <name>_v<major>/<sha256>.
func AppOf(dir string) string {
	return filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
}

// Problem is why something was not made of Apps: they run, and start later.
type Problem struct {
	App   string    `json:"app"` // the first that had it: <name>_v<major>/<sha256>
	What  string    `json:"what"`
	Found time.Time `json:"found"`
}

// Queue holds what is to be made, one after the other, and what was tried in vain. Several goroutines
// may use it.
type Queue[T any] struct {
	Told func(Problem) // is called once for each different problem; nil = nobody is told

	wake chan struct{} // carries nothing: tasks tells what there is to do

	mu       sync.Mutex
	tasks    []Task[T] // the first one is under way
	tried    map[string]time.Time
	problems []Problem
}

// NewQueue returns an empty queue.
func NewQueue[T any]() *Queue[T] {
	return &Queue[T]{wake: make(chan struct{}, 1), tried: map[string]time.Time{}}
}

// Wants reports whether a task would be taken: nothing is to be made of that App, and nothing failed
// not long ago.
func (q *Queue[T]) Wants(dir, key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.wants(dir, key)
}

func (q *Queue[T]) wants(dir, key string) bool {
	tried, ok := q.tried[key]
	return len(q.tasks) < maxTasks && (!ok || time.Since(tried) >= Retry) &&
		!slices.ContainsFunc(q.tasks, func(t Task[T]) bool { return t.Dir == dir })
}

// Add adds a task that is wanted.
func (q *Queue[T]) Add(t Task[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.wants(t.Dir, t.Key) {
		return
	}
	q.tasks = append(q.tasks, t)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Run does the tasks until ctx ends.
func (q *Queue[T]) Run(ctx context.Context, do func(context.Context, Task[T]) error) {
	for ctx.Err() == nil {
		if !q.Next(ctx, do) {
			select {
			case <-q.wake:
			case <-ctx.Done():
			}
		}
	}
}

// Next does the first task, and reports whether there was one.
func (q *Queue[T]) Next(ctx context.Context, do func(context.Context, Task[T]) error) bool {
	t, ok := q.first()
	if !ok {
		return false
	}
	err := do(ctx, t)
	if err != nil && ctx.Err() == nil {
		q.Failed(t.Dir, t.Key, err)
	}
	q.done()
	return true
}

func (q *Queue[T]) first() (t Task[T], ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) == 0 {
		return t, false
	}
	return q.tasks[0], true
}

func (q *Queue[T]) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = slices.Delete(q.tasks, 0, 1)
}

// Failed notes that nothing is to be made of an App for a while.
func (q *Queue[T]) Failed(dir, key string, err error) {
	q.mu.Lock()
	if len(q.tried) >= maxTried {
		clear(q.tried)
	}
	q.tried[key] = time.Now()
	known := func(p Problem) bool { return p.What == err.Error() }
	if len(q.problems) == maxProblems || slices.ContainsFunc(q.problems, known) {
		q.mu.Unlock()
		return
	}
	p := Problem{App: AppOf(dir), What: err.Error(), Found: time.Now()}
	q.problems = append(q.problems, p)
	q.mu.Unlock()
	if q.Told != nil {
		q.Told(p)
	}
}

// State says how much there is to do, and what failed since the start.
func (q *Queue[T]) State() (pending int, problems []Problem) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.tasks), slices.Clone(q.problems)
}
