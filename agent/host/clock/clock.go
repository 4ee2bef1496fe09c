package clock

import (
	"context"
	"sync"
	"time"
)

// Epoch is before any moment at which this program can run. A clock that shows an earlier time is
// wrong.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// MinSteady is how long the clock must not have been set before anything is removed for its age. It
// gives an administrator who sees a wrong clock the time to set it right.
const MinSteady = time.Hour

// Tolerated is how far two clocks may differ before that is reported.
const Tolerated = time.Minute

const (
	every = time.Second
	// step is how much the difference of the clocks must change within a round to count: a clock is
	// slewed by 0.05 %, and a process that was not scheduled reads both clocks a moment apart.
	step = time.Second
)

// Watch watches the host's clock. [New] makes one. For a nil Watch the clock was never set.
type Watch struct {
	apart func() time.Duration // the difference between wall clock and monotonic clock

	mu    sync.Mutex
	since time.Time     // the start, or the newest step
	last  time.Duration // apart, when it was looked at
}

// New returns a Watch for which the clock was last set now.
func New() *Watch {
	start := time.Now()
	return &Watch{since: start, apart: func() time.Duration {
		now := time.Now()
		return now.Round(0).Sub(start.Round(0)) - now.Sub(start)
	}}
}

// Steady returns for how long the clock has not been set.
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

// Run calls stepped whenever the clock was set, with the change, until ctx ends.
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

// Trusted reports whether a time that was written down may be compared with this host's clock.
// Skews are the differences of other hosts' clocks from it: where there are some, the majority
// decides. Without them, this clock must not have been set for [MinSteady].
func (w *Watch) Trusted(skews ...time.Duration) bool {
	steady := w.Steady()
	if len(skews) == 0 || steady == 0 { // what was compared was before a step
		return steady >= MinSteady
	}
	agree := 0
	for _, s := range skews {
		if s.Abs() < MinSteady {
			agree++
		}
	}
	return 2*agree > len(skews)
}

// farthest bounds the result of Skew, whatever the other side claims, so that one can calculate
// with it.
const farthest = 100 * 365 * 24 * time.Hour

// Skew returns how far the clock of another host is ahead of this host's. It answered theirs, in
// Unix milliseconds, after the round trip rtt; now is the time here. The result is at most 100
// years.
func Skew(theirs int64, now time.Time, rtt time.Duration) time.Duration {
	skew := time.UnixMilli(theirs).Sub(now.Round(0).Add(-rtt / 2)).Round(time.Millisecond)
	return min(max(skew, -farthest), farthest)
}

// True reports whether t can be the time of something in the past.
func True(t, now time.Time) bool { return !t.Before(Epoch) && !t.After(now) }
