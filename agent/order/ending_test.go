package order

import (
	"context"
	"errors"
	"testing"

	"tcenvsvr/agent/link/wire"
)

// TestEnding: the first reason counts, and ends only what it counts for, also what begins later.
func TestEnding(t *testing.T) {
	e := ending{done: make(chan struct{})}
	all, stop := e.within(t.Context(), always)
	defer stop()
	fenced, stop := e.within(t.Context(), isFenced)
	defer stop()
	e.begin(cancelled{"not needed"})
	e.begin(errFenced)
	if why := e.reason(); why == nil || why.Error() != "cancelled: not needed" {
		t.Errorf("the reason is %v, want the first one", why)
	}
	if _, ok := errors.AsType[cancelled](context.Cause(all)); !ok || fenced.Err() != nil {
		t.Errorf("a cancel ended one with %v and the other with %v; want the first alone", context.Cause(all), context.Cause(fenced))
	}
	late, stop := e.within(t.Context(), always)
	defer stop()
	if late.Err() == nil {
		t.Error("what begins after the end is not ended")
	}
}

// TestRecall: an order is recalled until its App may have started, and does not start afterwards.
func TestRecall(t *testing.T) {
	o := New(&Config{Sessions: &Sessions{}}, wire.Order{})
	ctx, stop := o.ending.within(t.Context(), always)
	defer stop()
	if !o.Recall() {
		t.Error("an order that was not started was not recalled")
	}
	if err := o.begin(ctx); !errors.Is(err, errRecalled) {
		t.Errorf("a recalled order starts: %v", err)
	}
	o = New(&Config{Sessions: &Sessions{}}, wire.Order{})
	if err := o.begin(t.Context()); err != nil || o.Recall() {
		t.Errorf("an order that was started was recalled (%v)", err)
	}
}

// TestRefOf: the name of a job's folder tells its order.
func TestRefOf(t *testing.T) {
	want := wire.Ref{Order: "with.dots", Attempt: 3}
	if ref, ok := RefOf(want.String()); !ok || ref != want {
		t.Errorf("got %v, %v; want %v", ref, ok, want)
	}
	for _, name := range []string{"", "guest", "order.x"} {
		if _, ok := RefOf(name); ok {
			t.Errorf("%q is taken for an order's", name)
		}
	}
}
