package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// running returns a ledger that follows the store until stop is called.
func running(t *testing.T, s *store.Store, gateway string, after time.Duration) (l *Ledger, stop func()) {
	t.Helper()
	l, err := Open(t.Context(), Config{
		Store: s, Gateway: gateway, Retention: time.Hour, MoveAfter: after, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	<-l.Ready()
	return l, stop
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// in reports how many executions are in memory and how many keys are in the bucket.
func (l *Ledger) in(t *testing.T) (memory int, keys uint64) {
	t.Helper()
	st, err := l.cfg.Store.JS().Stream(t.Context(), "KV_"+bucketName)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries), st.CachedInfo().State.Msgs
}

// all returns the ids of all executions that the filter selects, page by page.
func (l *Ledger) all(t *testing.T, f record.Filter, limit int) []wire.OrderID {
	t.Helper()
	all := []wire.OrderID{}
	for before := (record.Place{}); ; {
		p, err := l.List(t.Context(), &f, before, limit)
		if err != nil || len(p.Found) > limit {
			t.Fatalf("%d found, %v", len(p.Found), err)
		}
		for _, r := range p.Found {
			all = append(all, r.ID)
		}
		if before = p.Rest; before.IsZero() {
			return all
		}
	}
}

// TestMove: what has ended goes to the archive, by one of two gateways, and out of the memory of
// both; everything about it is answered as before, also by a gateway that starts.
func TestMove(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	a, stopA := running(t, s, "a", 20*time.Millisecond)
	b, _ := running(t, s, "b", 20*time.Millisecond)
	var want []wire.OrderID
	began := record.Stamp(time.Now())
	for i := range 40 {
		at := began.Add(time.Duration(i) * time.Millisecond)
		rec := &record.Record{Execution: record.Execution{
			ID: wire.OrderID(fmt.Sprintf("o%02d", i)), Environment: "e", State: wire.StateQueued, Attempt: 1, Created: at, Queued: at,
		}}
		if err := a.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		if i%4 != 0 { // every fourth stays queued
			if _, err := a.Update(t.Context(), rec.ID, func(r *record.Record) error { r.End(wire.Failed, "why", time.Now()); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		want = append([]wire.OrderID{rec.ID}, want...)
	}
	check := func(l *Ledger, when string) {
		t.Helper()
		for _, limit := range []int{1, 7, 100} {
			if got := l.all(t, record.Filter{Environment: "e"}, limit); !slices.Equal(got, want) {
				t.Errorf("%s, pages of %d: got %v", when, limit, got)
			}
		}
		if got := l.all(t, record.Filter{State: record.Active, Since: began.Add(8 * time.Millisecond), Until: began.Add(17 * time.Millisecond)}, 2); !slices.Equal(got, []wire.OrderID{"o16", "o12", "o08"}) {
			t.Errorf("%s: active ones are %v", when, got)
		}
		if got := l.all(t, record.Filter{Text: "WHY", State: wire.State(wire.Failed)}, 3); len(got) != 30 {
			t.Errorf("%s: %d have the text", when, len(got))
		}
		if f := l.Figures("e", time.Now()); f.Queued != 10 || f.Running != 0 || f.Day+f.Month != 80 && f.Month != 40 {
			t.Errorf("%s: figures are %+v", when, f)
		}
		var sum record.Hour
		for _, h := range l.Hours("e", record.HourOf(began)) {
			sum.Add(h)
		}
		if sum.Created != 40 || sum.Ended != 30 || sum.Failed != 30 {
			t.Errorf("%s: in all hours %+v", when, sum)
		}
		rec, err := l.Get(t.Context(), "o01")
		if err != nil || rec.Reason != "why" {
			t.Errorf("%s: got %+v, %v", when, rec, err)
		}
		if _, err := l.Update(t.Context(), "o01", func(r *record.Record) error { return r.Stop("again", time.Now()) }); !errors.Is(err, record.ErrStale) {
			t.Errorf("%s: cancelling what has ended: %v", when, err)
		}
		if err := l.Create(t.Context(), &record.Record{Execution: record.Execution{ID: "o01", Environment: "e", State: wire.StateQueued}}); !errors.Is(err, ErrExists) {
			t.Errorf("%s: the id is taken again: %v", when, err)
		}
		if _, err := l.Get(t.Context(), "o99"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", when, err)
		}
		if err := l.Watch(t.Context(), "o01", func(r *record.Record) bool { return true }); err != nil {
			t.Errorf("%s: watching what has ended: %v", when, err)
		}
	}
	until(t, "the move", func() bool {
		inA, keys := a.in(t)
		inB, _ := b.in(t)
		return inA == 10 && inB == 10 && keys == 10
	})
	check(a, "the one")
	check(b, "the other")
	stopA()
	c, _ := running(t, s, "c", time.Hour)
	if n, _ := c.in(t); n != 10 {
		t.Errorf("%d are in memory after a start", n)
	}
	check(c, "a new one")
}

// TestMissedEnd: a gateway that did not hear of an execution's end learns of it from the archive.
func TestMissedEnd(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	a, _ := running(t, s, "", 20*time.Millisecond)
	b, err := Open(t.Context(), Config{Store: s, Retention: time.Hour, Logger: slog.New(slog.DiscardHandler)}) // it follows nothing
	if err != nil {
		t.Fatal(err)
	}
	create(t, a)
	if _, err := b.Get(t.Context(), "o"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Update(t.Context(), "o", func(r *record.Record) error { r.End(wire.Failed, "", time.Now()); return nil }); err != nil {
		t.Fatal(err)
	}
	until(t, "the key's end", func() bool { _, keys := a.in(t); return keys == 0 })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = b.archive.Run(ctx) }()
	<-b.archive.Ready()
	if rec := b.Peek("o"); rec == nil || rec.Terminal() {
		t.Fatalf("it was %+v", rec)
	}
	if _, err := b.Update(t.Context(), "o", deliver(1)); !errors.Is(err, record.ErrStale) {
		t.Errorf("delivering it: %v", err)
	}
	if err := b.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.Peek("o") != nil || len(b.Active(func(Aged) bool { return true })) != 0 {
		t.Error("it is still in memory")
	}
}

// TestForgetEnvironments: what was counted of a deleted Environment goes from memory when its executions
// are in the archive, not before, and that of others stays.
func TestForgetEnvironments(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	l, _ := running(t, s, "a", 20*time.Millisecond)
	for _, env := range []string{"lives", "deleted", "busy"} {
		now := record.Stamp(time.Now())
		rec := &record.Record{Execution: record.Execution{
			ID: wire.OrderID(env), Environment: env, State: wire.StateQueued, Attempt: 1, Created: now, Queued: now,
		}}
		if err := l.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		if env == "busy" {
			continue
		}
		if _, err := l.Update(t.Context(), rec.ID, func(r *record.Record) error { r.End(wire.Failed, "why", time.Now()); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the archive", func() bool { n, _ := l.in(t); return n == 1 })
	l.ForgetEnvironments(func(name string) bool { return name == "lives" })
	l.mu.Lock()
	left := slices.Sorted(maps.Keys(l.envs))
	l.mu.Unlock()
	if !slices.Equal(left, []string{"busy", "lives"}) {
		t.Errorf("in memory are %q", left)
	}
	if _, err := l.Update(t.Context(), "busy", func(r *record.Record) error { r.End(wire.Failed, "why", time.Now()); return nil }); err != nil {
		t.Fatal(err)
	}
	until(t, "the rest", func() bool {
		l.ForgetEnvironments(func(string) bool { return false })
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.envs) == 0
	})
}

// TestLargePages: a page of executions with large results is bounded by its bytes, in memory and in the
// archive, and none is missing.
func TestLargePages(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for where, after := range map[string]time.Duration{"memory": time.Hour, "archive": 20 * time.Millisecond} {
		l, stop := running(t, s, where, after)
		var want []wire.OrderID
		large := strings.Repeat("x", 500<<10)
		for i := range 20 {
			now := record.Stamp(time.Now())
			rec := &record.Record{Execution: record.Execution{
				ID: wire.OrderID(fmt.Sprintf("%s%02d", where, i)), Environment: where, State: wire.StateQueued, Attempt: 1, Created: now, Queued: now,
			}}
			if err := l.Create(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
			_, err := l.Update(t.Context(), rec.ID, func(r *record.Record) error {
				r.End(wire.Succeeded, "", time.Now())
				r.Result = &wire.Result{Outcome: wire.Succeeded, Results: map[string]string{"r": large}}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, rec.ID)
			time.Sleep(2 * time.Millisecond) // lists are by the time of the creation
		}
		if where == "archive" {
			until(t, "the archive", func() bool { n, _ := l.in(t); return n == 0 })
		}
		slices.Reverse(want)
		f := record.Filter{Environment: where}
		if p, err := l.List(t.Context(), &f, record.Place{}, 100); err != nil || len(p.Found) == 0 || len(p.Found) > pageBytes/len(large) || p.Rest.IsZero() {
			t.Errorf("%s: a page has %d executions of 500 KB, rest %v, %v", where, len(p.Found), p.Rest, err)
		}
		if got := l.all(t, f, 100); !slices.Equal(got, want) {
			t.Errorf("%s: got %v", where, got)
		}
		stop()
	}
}
