package health

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// State of a check, or of all.
type State string

// The states, from good to bad.
const (
	OK       State = "ok"
	Warning  State = "warning"   // somebody should act, nothing is refused
	NoIntake State = "no_intake" // nothing new is taken
	Failed   State = "failed"    // nothing can be stored
)

var rank = map[State]int{OK: 0, Warning: 1, NoIntake: 2, Failed: 3}

// Finding is the result of looking once.
type Finding struct {
	State State  `json:"state"`
	Text  string `json:"text"`          // the fact
	Try   string `json:"try,omitempty"` // what to do about it
}

// Result is the newest finding of a check.
type Result struct {
	Name string `json:"name"`
	Finding
	Since time.Time `json:"since"` // it is in this state
}

// Report is the results of all checks, and the worst state.
type Report struct {
	State  State    `json:"state"`
	Checks []Result `json:"checks"`
}

// Worst is the result that decides the state.
func (r Report) Worst() Result {
	var worst Result
	for _, c := range r.Checks {
		if worst.Name == "" || rank[c.State] > rank[worst.State] {
			worst = c
		}
	}
	return worst
}

// Intake reports whether new orders are taken.
func (r Report) Intake() bool { return rank[r.State] < rank[NoIntake] }

// Check is one thing to look at.
type Check struct {
	Name string
	Look func(ctx context.Context) Finding
}

const (
	every       = 2 * time.Second
	lookTimeout = 3 * time.Second
	// staleAfter is how old a finding may be: every, lookTimeout, and some time for a busy machine.
	staleAfter = 8 * time.Second
)

// Monitor runs checks again and again. It is safe for concurrent use.
type Monitor struct {
	checks []Check
	log    *slog.Logger

	mu   sync.Mutex
	last []Result    // of checks, as Report says
	seen []time.Time // when each was found
}

// New returns a monitor that has run each check once.
func New(ctx context.Context, log *slog.Logger, checks ...Check) *Monitor {
	m := &Monitor{checks: checks, log: log, last: make([]Result, len(checks)), seen: make([]time.Time, len(checks))}
	var g errgroup.Group
	for i := range checks {
		g.Go(func() error { m.look(ctx, i); return nil })
	}
	_ = g.Wait() // looks return no error
	return m
}

// Run runs the checks until ctx ends. What the start of the cloud took since New says nothing about
// them.
func (m *Monitor) Run(ctx context.Context) error {
	m.mu.Lock()
	for i := range m.seen {
		m.seen[i] = time.Now()
	}
	m.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	for i := range m.checks {
		g.Go(func() error { return repeat(ctx, func() { m.look(ctx, i) }) })
	}
	g.Go(func() error { return repeat(ctx, func() { m.Report() }) }) // it notices checks that hang
	return g.Wait()
}

func repeat(ctx context.Context, f func()) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f()
		}
	}
}

func (m *Monitor) look(ctx context.Context, i int) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	f := m.checks[i].Look(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[i] = time.Now()
	m.record(i, f)
}

// record stores a finding, and logs it if the state has changed. Monitor.mu is held.
func (m *Monitor) record(i int, f Finding) {
	was := m.last[i]
	m.last[i] = Result{m.checks[i].Name, f, was.Since}
	if was.State == f.State {
		return
	}
	m.last[i].Since = time.Now().UTC().Truncate(time.Second)
	log := m.log.With("check", m.checks[i].Name, "state", f.State, "finding", f.Text)
	switch {
	case f.State == OK && was.State != "":
		log.Info("health is well again")
	case f.State == Warning:
		log.Warn("health changed", "hint", f.Try)
	case f.State != OK:
		log.Error("health changed", "hint", f.Try)
	}
}

// Report returns the newest results.
func (m *Monitor) Report() Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := Report{State: OK}
	for i := range m.checks {
		if time.Since(m.seen[i]) > staleAfter {
			m.record(i, Finding{Failed, fmt.Sprintf("looking at it takes longer than %s: the disk or the store does not answer", staleAfter), diskHint})
		}
		r.Checks = append(r.Checks, m.last[i])
		if rank[m.last[i].State] > rank[r.State] {
			r.State = m.last[i].State
		}
	}
	return r
}
