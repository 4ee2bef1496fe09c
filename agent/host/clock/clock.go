package clock

import (
	"context"
	"sync"
	"time"
)

// Epoch is before any moment at which this program can run: a clock that
// shows less is wrong.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Settled is how long the clock must have stood before anything is removed
// for its age: whoever sees a wrong clock sets it right within that time.
const Settled = time.Hour

// Tolerated is how far two clocks may be apart before it is said.
const Tolerated = time.Minute

const (
	every = time.Second
	// step is by how much the clocks must part within a round: they are slewed by 0.05 %,
	// and a process that was not scheduled reads them a moment apart.
	step = time.Second
)

// Watch looks at the host's clock. New makes one; a nil Watch sees a clock
// that always stood.
type Watch struct {
	apart func() time.Duration // how far the wall clock has come from the monotonic one

	mu    sync.Mutex
	since time.Time     // the start, or the newest step
	last  time.Duration // apart, when it was looked at
}

// New returns a Watch for which the clock stands since now.
func New() *Watch {
	start := time.Now()
	return &Watch{since: start, apart: func() time.Duration {
		now := time.Now()
		return now.Round(0).Sub(start.Round(0)) - now.Sub(start)
	}}
}

// Steady is how long the clock has been seen to stand.
func (w *Watch) Steady() time.Duration {
	if w == nil {
		return 1<<63 - 1
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if (w.apart() - w.last).Abs() >= step { // Run has not seen it yet
		return 0
	}
	return time.Since(w.since)
}

// Run calls stepped with the way that the clock went, until ctx ends.
func (w *Watch) Run(ctx context.Context, stepped func(by time.Duration)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if by := w.look(); by != 0 {
			stepped(by)
		}
	}
}

// look returns by how much the clock was set since the last look.
func (w *Watch) look() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.apart()
	by := now - w.last
	w.last = now
	if by.Abs() < step {
		return 0
	}
	w.since = time.Now()
	return by
}

// Trusted reports whether a time that was written down may be judged by
// this host's clock. Those of others, as they differ from it, decide where
// there are some: by most votes. Alone, it must have stood for Settled.
func (w *Watch) Trusted(skews ...time.Duration) bool {
	steady := w.Steady()
	if len(skews) == 0 || steady == 0 { // what was compared was before a step
		return steady >= Settled
	}
	agree := 0
	for _, s := range skews {
		if s.Abs() < Settled {
			agree++
		}
	}
	return 2*agree > len(skews)
}

// farthest is what a clock can be apart from another one: whatever somebody says,
// it can be counted with.
const farthest = 100 * 365 * 24 * time.Hour

// Skew is how far a clock that said theirs, in Unix milliseconds, is ahead of
// this host's, which shows now, when the answer took rtt.
func Skew(theirs int64, now time.Time, rtt time.Duration) time.Duration {
	skew := time.UnixMilli(theirs).Sub(now.Round(0).Add(-rtt / 2)).Round(time.Millisecond)
	return min(max(skew, -farthest), farthest)
}

// True reports whether t can be the moment of something that is over.
func True(t, now time.Time) bool { return !t.Before(Epoch) && !t.After(now) }
