package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// environment counts one Environment's executions.
type environment struct {
	queued   [10]map[wire.OrderID]struct{} // by priority
	total    int                           // of queued
	services map[wire.OrderID]struct{}     // queued as well, and in no queue
	running  int
	days     map[int]int // created, by day since 1970
	waits    [100]time.Duration
	waited   int
}

// count updates the figures of an execution's Environment. Ledger.mu is held.
func (l *Ledger) count(before, after *record.Record) {
	e := l.envs[after.Environment]
	if e == nil {
		e = &environment{days: map[int]int{}, services: map[wire.OrderID]struct{}{}}
		l.envs[after.Environment] = e
	}
	if before == nil {
		e.days[day(after.Created)]++
	}
	for i, r := range []*record.Record{before, after} {
		step := 2*i - 1
		switch {
		case r == nil || r.Terminal():
		case r.State == wire.StateQueued && r.Runtime.Service() && i == 0:
			delete(e.services, r.ID)
		case r.State == wire.StateQueued && r.Runtime.Service():
			e.services[r.ID] = struct{}{}
		case r.State == wire.StateQueued && i == 0:
			delete(e.queued[r.Priority], r.ID)
			e.total--
		case r.State == wire.StateQueued:
			if e.queued[r.Priority] == nil {
				e.queued[r.Priority] = map[wire.OrderID]struct{}{}
			}
			e.queued[r.Priority][r.ID] = struct{}{}
			e.total++
		default:
			e.running += step
		}
	}
	if after.State == wire.StateDelivered && (before == nil || before.State == wire.StateQueued) {
		if w := after.Delivered.Sub(after.Queued); w >= 0 && w <= after.StartWithin { // else the clock was set
			e.waits[e.waited%len(e.waits)] = w
			e.waited++
		}
	}
}

func day(t time.Time) int { return int(t.Unix() / 86400) }

// QueuedServices returns the orders of services of an Environment that wait for a server.
func (l *Ledger) QueuedServices(env string) []wire.OrderID {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.envs[env]; e != nil && len(e.services) > 0 {
		return slices.Sorted(maps.Keys(e.services))
	}
	return nil
}

// Queued returns the number of queued orders of an Environment by priority, and their sum; those of
// services are not counted.
func (l *Ledger) Queued(env string) (n [10]int, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.envs[env]; e != nil {
		for p, ids := range e.queued {
			n[p] = len(ids)
		}
		total = e.total
	}
	return n, total
}

// Figures are an Environment's counters.
type Figures struct {
	Queued, Running  int
	Day, Week, Month int
	QueueWait        time.Duration
}

// Figures returns an Environment's counters as of now.
func (l *Ledger) Figures(env string, now time.Time) Figures {
	trusted := l.cfg.Trusted()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.envs[env]
	if e == nil {
		return Figures{}
	}
	f := Figures{Queued: e.total, Running: e.running}
	today := day(now)
	for d, n := range e.days {
		switch age := today - d; {
		case age < 1:
			f.Day += n
			fallthrough
		case age < 7:
			f.Week += n
			fallthrough
		case age < 30:
			f.Month += n
		case trusted: // else the day may not be over
			delete(e.days, d)
		}
	}
	if n := min(e.waited, len(e.waits)); n > 0 {
		var sum time.Duration
		for _, w := range e.waits[:n] {
			sum += w
		}
		f.QueueWait = sum / time.Duration(n)
	}
	return f
}

// Aged is a record with its age as far as it is known: by the monotonic clock since we look, and
// for Age before that by the time in the record, while the clock can be trusted. For a state only
// time counts in which we looked.
type Aged struct {
	*record.Record
	Age, InState time.Duration
}

// age is how long ago e was created. Ledger.mu is held.
func (e *entry) age(now time.Time, trusted bool) time.Duration {
	seen := now.Sub(e.born)
	if wall := now.Round(0); e.loaded && trusted && clock.True(e.rec.Created, wall) {
		return max(seen, wall.Sub(e.rec.Created))
	}
	return seen
}

// Age is how long ago the execution was created, as in Aged.
func (l *Ledger) Age(id wire.OrderID) time.Duration {
	trusted := l.cfg.Trusted()
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[id]; e != nil {
		return e.age(time.Now(), trusted)
	}
	return 0
}

// Active returns the executions that have not ended and that want accepts. want must not call the
// ledger.
func (l *Ledger) Active(want func(Aged) bool) []Aged {
	now, trusted := time.Now(), l.cfg.Trusted()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Aged
	for _, e := range l.active {
		if a := (Aged{e.rec, e.age(now, trusted), now.Sub(e.since)}); want(a) {
			out = append(out, a)
		}
	}
	return out
}

// List returns what is in memory and wanted, newest first, at most limit.
func (l *Ledger) List(want func(*record.Record) bool, limit int) []*record.Record {
	l.mu.Lock()
	var out []*record.Record
	for _, e := range l.entries {
		if want(e.rec) {
			out = append(out, e.rec)
		}
	}
	l.mu.Unlock()
	slices.SortFunc(out, func(a, b *record.Record) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	return out[:min(limit, len(out))]
}

// Watch calls yield with the record now and after changes until it has ended, yield returns false
// or ctx ends. Intermediate records may be skipped.
func (l *Ledger) Watch(ctx context.Context, id wire.OrderID, yield func(*record.Record) bool) error {
	c := make(chan struct{}, 1)
	l.mu.Lock()
	l.watch[id] = append(l.watch[id], c)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		rest := slices.DeleteFunc(l.watch[id], func(o chan struct{}) bool { return o == c })
		if l.watch[id] = rest; len(rest) == 0 {
			delete(l.watch, id)
		}
	}()
	var last *record.Record
	for {
		rec, err := l.Get(ctx, id)
		if err != nil {
			return err
		}
		if rec != last {
			if last = rec; !yield(rec) || rec.Terminal() {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c:
		}
	}
}
