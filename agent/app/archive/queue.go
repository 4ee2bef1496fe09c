package archive

import (
	"path/filepath"
	"slices"
	"time"

	"tcenvsvr/agent/app/tcx"
)

const (
	// retry is how long an App stays without an archive when none could be made.
	retry = 24 * time.Hour
	// maxTasks bounds the queue; an App that finds no room in it asks again with its next run.
	maxTasks = 64
	// maxProblems is how many different ones are remembered, and maxTried how many Apps.
	maxProblems = 20
	maxTried    = 1000
)

// task is an archive that is to be made.
type task struct {
	dir      string // the App's installation
	manifest tcx.Manifest
	key      string
	jobDir   string // of the run that left the list
}

func (t task) sha() string { return filepath.Base(t.dir) }
func (t task) app() string { return filepath.Base(filepath.Dir(t.dir)) + "/" + t.sha() }

// Problem is why Apps have no archive: they run, and start later.
type Problem struct {
	App   string    `json:"app"` // the first that had it: <name>_v<major>/<sha256>
	What  string    `json:"what"`
	Found time.Time `json:"found"`
}

// queue is what there is to do, and what was tried in vain. Store.mu guards it.
type queue struct {
	wake     chan struct{} // carries nothing: tasks tells what there is to do
	tasks    []task        // the first one is under way
	tried    map[string]time.Time
	problems []Problem
}

func newQueue() queue {
	return queue{wake: make(chan struct{}, 1), tried: map[string]time.Time{}}
}

// wants reports whether a list of classes would be of use.
func (q *queue) wants(sha, key string) bool {
	return len(q.tasks) < maxTasks && time.Since(q.tried[key]) >= retry &&
		!slices.ContainsFunc(q.tasks, func(t task) bool { return t.sha() == sha })
}

func (q *queue) add(t task) {
	if !q.wants(t.sha(), t.key) {
		return
	}
	q.tasks = append(q.tasks, t)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) first() (task, bool) {
	if len(q.tasks) == 0 {
		return task{}, false
	}
	return q.tasks[0], true
}

// done takes the first task out. It reports whether its problem is a new one, to be told once
// whichever Apps have it.
func (q *queue) done(t task, err error, stopped bool) bool {
	q.tasks = q.tasks[1:]
	if stopped {
		return false
	}
	if err == nil {
		delete(q.tried, t.key)
		return false
	}
	return q.failed(t.key, t.app(), err)
}

func (q *queue) failed(key, app string, err error) bool {
	if len(q.tried) >= maxTried {
		clear(q.tried)
	}
	q.tried[key] = time.Now()
	if len(q.problems) == maxProblems || slices.ContainsFunc(q.problems, func(p Problem) bool { return p.What == err.Error() }) {
		return false
	}
	q.problems = append(q.problems, Problem{App: app, What: err.Error(), Found: time.Now()})
	return true
}
