package fitness

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// lookEvery is the time between looks at a fit host.
	lookEvery = 5 * time.Second
	// retryFirst and retryMost bound the time between tries of an unfit one.
	retryFirst = time.Second
	retryMost  = 10 * time.Second
	// lookTimeout and probeTimeout are how long a look or a probe may take. A probe may have to
	// wait for a slow directory service behind sudo.
	lookTimeout  = 3 * time.Second
	probeTimeout = 90 * time.Second
)

// Config has the functions that a [Watch] calls.
type Config struct {
	// Look finds the problems that can be found cheaply. It may block where the disk does not answer.
	Look func() error
	// Probe makes everything that the start of an App needs; nil = Look is enough.
	Probe func(context.Context) error
	// Changed is called after every change, without a lock held.
	Changed func(now *Problem)
}

// Watch knows whether the host is fit. Its methods may be called at the same time.
type Watch struct {
	Config
	wake chan struct{} // a problem was reported

	mu      sync.Mutex
	now     *Problem
	reports int // of orders
}

// New returns a Watch of a host that counts as fit until a problem is known.
func New(c Config) *Watch { return &Watch{Config: c, wake: make(chan struct{}, 1)} }

// Problem returns why the host is not fit; nil where it is.
func (w *Watch) Problem() *Problem {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Report records a problem that an order met.
func (w *Watch) Report(code string, err error) {
	w.mu.Lock()
	w.reports++
	w.mu.Unlock()
	w.set(code, err)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// set changes the problem. The same problem keeps the time at which it began.
func (w *Watch) set(code string, err error) {
	w.mu.Lock()
	before := w.now
	switch {
	case err == nil:
		w.now = nil
	case before != nil && before.Code == code:
	default:
		w.now = &Problem{Code: code, Message: err.Error(), Since: time.Now()}
		if before != nil {
			w.now.Since = before.Since
		}
	}
	now := w.now
	w.mu.Unlock()
	if now != before && w.Changed != nil {
		w.Changed(now)
	}
}

// Run looks until ctx ends. A look that hangs is left behind then.
func (w *Watch) Run(ctx context.Context) error {
	// A host that fails again soon after it was fit is tried less often.
	wait := retryFirst
	for next := time.Duration(0); ; {
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-w.wake:
			timer.Stop()
			next = wait
			continue
		case <-timer.C:
		}
		switch was, err := w.try(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			w.set(cmp.Or(Code(err), IO), err)
			next, wait = wait, min(2*wait, retryMost)
		case was && w.Problem() != nil: // an order failed meanwhile
			next = wait
		case was:
			next = lookEvery
		default:
			next, wait = lookEvery, max(wait/2, retryFirst)
		}
	}
}

// try looks and, where there is a problem, probes and ends it.
func (w *Watch) try(ctx context.Context) (was bool, err error) {
	w.mu.Lock()
	reports := w.reports
	w.mu.Unlock()
	err = w.within(ctx, lookTimeout, func(context.Context) error { return w.Look() })
	if was = w.Problem() != nil; err != nil || !was {
		return was, err
	}
	if w.Probe != nil {
		if err := w.within(ctx, probeTimeout, w.Probe); err != nil {
			return was, err
		}
	}
	w.mu.Lock()
	again := w.reports != reports
	w.mu.Unlock()
	if !again {
		w.set("", nil)
	}
	return was, nil
}

// within calls a function that may hang. When it takes longer than the timeout, that is the
// problem, until it returns: it is not called a second time meanwhile.
func (w *Watch) within(ctx context.Context, timeout time.Duration, do func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	late := time.NewTimer(timeout)
	defer late.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-late.C:
			w.set(Stuck, fmt.Errorf("the disk did not answer for %s", timeout))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
