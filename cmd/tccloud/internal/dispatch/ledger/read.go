package ledger

import (
	"context"
	"slices"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/queue"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// environment counts one Environment's executions.
type environment struct {
	queue   queue.Queue
	running int
	days    map[int]int // created, of those in memory, by day since 1970
	waits   [100]time.Duration
	waited  int
}

// count updates the figures of an execution's Environment. Ledger.mu is held.
func (l *Ledger) count(before, after *record.Record) {
	e := l.envs[after.Environment]
	if e == nil {
		e = &environment{days: map[int]int{}}
		l.envs[after.Environment] = e
	}
	if before == nil {
		e.days[day(after.Created)]++
	}
	was, is := before != nil && before.State == wire.StateQueued, after.State == wire.StateQueued
	switch {
	case is && !(was && before.Attempt == after.Attempt):
		var from time.Time
		now := time.Now()
		if rest := after.Delay(now); rest > 0 {
			from = now.Add(rest)
		}
		e.queue.Put(after.Ref(), after.Priority, queue.TakersOf(after), from)
	case was && !is:
		e.queue.Remove(after.ID)
	}
	if before != nil && !was && !before.Terminal() {
		e.running--
	}
	if !is && !after.Terminal() {
		e.running++
	}
	if after.State == wire.StateDelivered && (before == nil || before.State == wire.StateQueued) {
		if w, ok := after.QueueWait(); ok {
			e.waits[e.waited%len(e.waits)] = w
			e.waited++
		}
	}
}

func day(t time.Time) int { return record.HourOf(t) / 24 }

// Waits reports whether an order is queued that comes before a new one for these takers.
func (l *Ledger) Waits(env string, t queue.Takers) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.envs[env]
	return e != nil && e.queue.Waits(t)
}

// Take takes the next queued order of an Environment for which reserve finds a server, as
// [queue.Queue.Take]; nil: there is none that may be delivered now. reserve must not call the ledger.
// Where the order is not delivered, [Ledger.Back] is to be called.
func (l *Ledger) Take(env string, gateways int, reserve func(queue.Takers) bool) *queue.Item {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.envs[env]
	if e == nil {
		return nil
	}
	return e.queue.Take(time.Now(), gateways, reserve)
}

// Back returns an order that Take has taken; it is not taken again before so long.
func (l *Ledger) Back(env string, i *queue.Item, pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.envs[env]; e != nil {
		e.queue.Back(i, time.Now().Add(pause))
	}
}

// Figures are an Environment's counters.
type Figures struct {
	Queued, Running  int
	Day, Week, Month int
	QueueWait        time.Duration
}

// Figures returns an Environment's counters as of now.
func (l *Ledger) Figures(env string, now time.Time) Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := Figures{}
	created := func(d, n int) {
		switch age := day(now) - d; {
		case age < 1:
			f.Day += n
			fallthrough
		case age < 7:
			f.Week += n
			fallthrough
		case age < 30:
			f.Month += n
		}
	}
	l.archive.Created(env, created)
	e := l.envs[env]
	if e == nil {
		return f
	}
	f.Queued, f.Running = e.queue.Len(), e.running
	for d, n := range e.days {
		created(d, n)
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

// Hours counts what happened to an Environment's executions in each hour since one.
func (l *Ledger) Hours(env string, since int) map[int]record.Hour {
	all := map[int]record.Hour{}
	add := func(hour int, h record.Hour) {
		if hour >= since {
			h.Add(all[hour])
			all[hour] = h
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock() // nothing moves meanwhile, so that all of them count once
	l.archive.Hours(env, add)
	for _, m := range l.timeline.items {
		if e := m.entry; !e.gone && e.rec.Environment == env {
			e.rec.Hours(add)
		}
	}
	return all
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
