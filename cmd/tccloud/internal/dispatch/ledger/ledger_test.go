package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// two returns two ledgers on one store: the first follows the bucket, the second never does, so
// that its image is as far behind as can be.
func two(t *testing.T) (a, b *Ledger) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	open := func() *Ledger {
		l, err := Open(t.Context(), Config{Store: s, Retention: time.Hour, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b = open(), open()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Close()
	})
	<-a.Ready()
	return a, b
}

func create(t *testing.T, l *Ledger) *record.Record {
	t.Helper()
	now := record.Stamp(time.Now())
	rec := &record.Record{Execution: record.Execution{
		ID: "o", Environment: "e", State: wire.StateQueued, Attempt: 1, Created: now, Queued: now,
	}}
	if err := l.Create(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

func deliver(attempt wire.Attempt) func(*record.Record) error {
	return func(r *record.Record) error { return r.Deliver(attempt, "s", 1, "", time.Now()) }
}

func requeue(r *record.Record) error { r.Requeue("test", time.Now()); return nil }

// TestBehind: a ledger whose image is old neither overwrites what others did nor calls stale what
// is not.
func TestBehind(t *testing.T) {
	a, b := two(t)
	create(t, a)
	if _, err := b.Get(t.Context(), "o"); err != nil { // now b has it, queued as attempt 1
		t.Fatal(err)
	}
	for _, f := range []func(*record.Record) error{deliver(1), requeue} {
		if _, err := a.Update(t.Context(), "o", f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Update(t.Context(), "o", deliver(1)); !errors.Is(err, record.ErrStale) {
		t.Errorf("delivering the old attempt: %v", err)
	}
	if _, err := a.Update(t.Context(), "o", func(r *record.Record) error { r.History = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	if rec, err := b.Update(t.Context(), "o", deliver(2)); err != nil || rec.Server != "s" {
		t.Errorf("delivering the new attempt: %+v, %v", rec, err)
	}
	ref := wire.Ref{Order: "o", Attempt: 2}
	if err := a.Note(t.Context(), "o", func(r *record.Record) error { return r.Accept(ref, "s", false, time.Now()) }); err != nil {
		t.Errorf("noting the new attempt: %v", err)
	}
}

// TestConflicts: of who is always too late nothing is written, and it does not try for ever.
func TestConflicts(t *testing.T) {
	a, b := two(t)
	create(t, a)
	tries := 0
	_, err := a.Update(t.Context(), "o", func(r *record.Record) error {
		tries++
		_, err := b.Update(t.Context(), "o", func(r *record.Record) error { r.Reason = fmt.Sprint("try ", tries); return nil })
		r.Reason = "mine"
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "updating execution o: 50 conflicts in a row") {
		t.Errorf("got %v", err)
	}
	if rec, err := b.Get(t.Context(), "o"); err != nil || rec.Reason != "try 50" {
		t.Errorf("got %+v, %v", rec, err)
	}
}

// TestNote: a note is there at once, survives what others write in between, and ends up in the
// bucket.
func TestNote(t *testing.T) {
	a, b := two(t)
	create(t, a)
	if _, err := a.Update(t.Context(), "o", deliver(1)); err != nil {
		t.Fatal(err)
	}
	ref := wire.Ref{Order: "o", Attempt: 1}
	if err := a.Note(t.Context(), "o", func(r *record.Record) error {
		return r.Progress(ref, "s", wire.StateRunning, time.Now())
	}); err != nil {
		t.Fatal(err)
	}
	if s := a.Peek("o").State; s != wire.StateRunning {
		t.Errorf("state in memory is %q", s)
	}
	if _, err := b.Update(t.Context(), "o", func(r *record.Record) error { return r.Stop("enough", time.Now()) }); err != nil {
		t.Fatal(err)
	}
	err := a.Watch(t.Context(), "o", func(r *record.Record) bool { return r.Cancel.IsZero() })
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Peek("o").State; s != wire.StateRunning {
		t.Errorf("state after another ledger's write is %q", s)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		rec, err := b.Fresh(t.Context(), "o")
		if err != nil || time.Now().After(end) {
			t.Fatalf("the note was not stored: %+v, %v", rec, err)
		}
		if rec.State == wire.StateRunning && !rec.Cancel.IsZero() {
			return
		}
	}
}

// TestOneWins: of many who deliver, in two ledgers, one does.
func TestOneWins(t *testing.T) {
	a, b := two(t)
	create(t, a)
	var wg sync.WaitGroup
	won := make(chan int, 20)
	for i := range 20 {
		wg.Go(func() {
			l := a
			if i%2 == 0 {
				l = b
			}
			switch _, err := l.Update(t.Context(), "o", deliver(1)); {
			case err == nil:
				won <- i
			case !errors.Is(err, record.ErrStale):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d deliveries", len(won))
	}
}

// TestReadWhileItComes: who asks for an execution while it is stored gets it, or hears that there is
// none yet, and never that it cannot be read.
func TestReadWhileItComes(t *testing.T) {
	a, b := two(t)
	for i := range 100 {
		id := wire.OrderID(fmt.Sprint("comes-", i))
		read := make(chan error, 2)
		for _, l := range []*Ledger{a, b} {
			go func() {
				err := ErrNotFound
				for errors.Is(err, ErrNotFound) && t.Context().Err() == nil {
					_, err = l.Get(t.Context(), id)
				}
				read <- err
			}()
		}
		if err := a.Create(t.Context(), &record.Record{Execution: record.Execution{ID: id, Environment: "e", State: wire.StateQueued, Created: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(<-read, <-read); err != nil {
			t.Fatal(err)
		}
	}
}
