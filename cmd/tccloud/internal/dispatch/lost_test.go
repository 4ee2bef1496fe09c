package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestServerVanishes: two servers share the queue, one stays away longer than the lease. What it
// certainly did not start goes to the other one.
func TestServerVanishes(t *testing.T) {
	interrupted := wire.State(wire.Interrupted)
	for _, tc := range []struct {
		name  string
		until func(c *rig.Cloud, a *rig.Agent) wire.Ref
		want  wire.State // queued = moved
	}{
		{"delivered", func(c *rig.Cloud, a *rig.Agent) wire.Ref { return rig.Expect[*wire.Order](submitTo(c, a)).Ref }, interrupted},
		{"running", func(c *rig.Cloud, a *rig.Agent) wire.Ref { return running(c, a) }, interrupted},
		{"running, retryable", func(c *rig.Cloud, a *rig.Agent) wire.Ref { return running(c, a, retryable) }, wire.StateQueued},
		{"held", func(c *rig.Cloud, a *rig.Agent) wire.Ref { return held(c, a) }, wire.StateQueued},
		{"granted", func(c *rig.Cloud, a *rig.Agent) wire.Ref {
			r := held(c, a)
			a.Send(&wire.Ready{Ref: r})
			rig.Expect[*wire.Start](a)
			return r
		}, interrupted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := rig.Start(t, short())
			a := c.Agent("s1", 1)
			r := tc.until(c, a)
			b := c.Agent("s2", 1)
			a.Kill()
			if tc.want == interrupted {
				if e := c.WaitState(r.Order, interrupted); e.Reason == "" {
					t.Error("interrupted without a reason")
				}
				b.Silent(quiet)
			} else {
				o := rig.Expect[*wire.Order](b)
				if o.Order != r.Order || o.Attempt != 2 {
					t.Fatalf("got %s, want attempt 2 of %s", o.Ref, r.Order)
				}
				finish(c, b, o.Ref)
			}
			// The lost one comes back with what it was working on.
			back := c.Agent("s1", 0, rig.Dialing{Hello: inFlight(r, wire.StateRunning)})
			if len(back.Welcome.Fenced) != 1 || back.Welcome.Fenced[0] != r {
				t.Errorf("welcome fences %v, want %s", back.Welcome.Fenced, r)
			}
			back.Send(rig.Result(r))
			if ack := rig.Expect[*wire.ResultAck](back); !ack.Fenced {
				t.Error("a late result was taken")
			}
		})
	}
}

// TestRetryableEnds: an order that interrupts every server it meets is given up.
func TestRetryableEnds(t *testing.T) {
	c := rig.Start(t, rig.Options{Dispatch: func(d *dispatch.Config) { d.MaxAttempts = 2 }})
	a := c.Agent("s1", 2)
	e := c.Submit(retryable)
	for range 2 {
		o := rig.Expect[*wire.Order](a)
		a.Send(&wire.Result{Ref: o.Ref, Outcome: wire.Interrupted, Message: "lost power"})
		if ack := rig.Expect[*wire.ResultAck](a); ack.Fenced {
			t.Fatal("the result was not taken")
		}
	}
	if e = c.WaitState(e.ID, wire.State(wire.Interrupted)); e.Attempt != 2 || len(e.History) != 1 {
		t.Errorf("ended at attempt %d with %d past ones", e.Attempt, len(e.History))
	}
}

// TestDeadlines: no state lasts for ever.
func TestDeadlines(t *testing.T) {
	ms := time.Millisecond
	t.Run("queued", func(t *testing.T) {
		c := rig.Start(t, short())
		e := c.Submit(func(r *dispatch.Request) { r.StartWithin = 50 * ms })
		c.WaitState(e.ID, wire.State(wire.Rejected))
	})
	t.Run("delivered and not answered", func(t *testing.T) {
		c := rig.Start(t, short(func(d *dispatch.Config) { d.AcceptIn, d.Lease = 500*ms, time.Minute }))
		a := c.Agent("s1", 1)
		r := rig.Expect[*wire.Order](submitTo(c, a)).Ref
		if e := rig.Expect[*wire.Error](a); e.Code != wire.CodeRetryLater {
			t.Fatalf("session ended with %+v", e)
		}
		// The agent knows best: it had the order after all.
		finish(c, c.Agent("s1", 0, rig.Dialing{Hello: inFlight(r, wire.StateRunning)}), r)
	})
	t.Run("held and never ready", func(t *testing.T) {
		c := rig.Start(t, short(func(d *dispatch.Config) { d.PrepareIn = 50 * ms }))
		a := c.Agent("s1", 1)
		r := held(c, a)
		for range 2 { // and again, until there is an answer
			if m := rig.Expect[*wire.Recall](a); m.Ref != r {
				t.Fatalf("recalled %s", m.Ref)
			}
		}
		a.Send(&wire.Recalled{Ref: r, OK: true}, &wire.Credit{N: 1})
		for {
			m, err := a.Recv()
			if again, ok := m.(*wire.Recall); ok && again.Ref == r {
				continue // it crossed the answer
			}
			if o, ok := m.(*wire.Order); !ok || o.Order != r.Order || o.Attempt != 2 {
				t.Errorf("got %+v, %v, want attempt 2 of %s", m, err, r)
			}
			return
		}
	})
	t.Run("running", func(t *testing.T) {
		c := rig.Start(t, short(func(d *dispatch.Config) { d.Grace = 50 * ms }))
		a := c.Agent("s1", 1)
		r := rig.Expect[*wire.Order](submitTo(c, a, func(r *dispatch.Request) { r.Timeout = time.Second })).Ref
		a.Send(&wire.Accepted{Ref: r}, &wire.Progress{Ref: r, State: wire.StateRunning})
		c.WaitState(r.Order, wire.State(wire.TimedOut))
		if m := rig.Expect[*wire.Cancel](a); m.Ref != r {
			t.Errorf("cancelled %s", m.Ref)
		}
	})
}

// TestRecall: a server that drains gives back what it holds.
func TestRecall(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	a := c.Agent("s1", 1)
	r := held(c, a)
	b := c.Agent("s2", 1)
	a.Send(&wire.Info{Draining: true})
	rig.Expect[*wire.Recall](a)
	a.Send(&wire.Ready{Ref: r}) // crossed on the wire: must not be allowed to start
	a.Send(&wire.Recalled{Ref: r, OK: true})
	if o := rig.Expect[*wire.Order](b); o.Order != r.Order || o.Attempt != 2 {
		t.Errorf("got %s, want attempt 2 of %s", o.Ref, r.Order)
	}
	a.Silent(quiet)
}

func TestRefused(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	a := c.Agent("s1", 1)
	r := rig.Expect[*wire.Order](submitTo(c, a)).Ref
	b := c.Agent("s2", 1)
	a.Send(&wire.Refused{Ref: r, Reason: wire.ReasonUnfit, Message: "full"}, &wire.Credit{N: 1})
	o := rig.Expect[*wire.Order](b)
	if o.Order != r.Order || o.Attempt != 2 {
		t.Errorf("got %s, want attempt 2 of %s", o.Ref, r.Order)
	}
	e := c.Wait(r.Order, func(e record.Execution) bool { return e.Attempt == 2 })
	if len(e.History) != 1 || e.History[0].Server != "s1" {
		t.Errorf("history does not tell: %+v", e.History)
	}
	// One that counts its credits otherwise has to begin a session, where both count anew.
	b.Send(&wire.Refused{Ref: o.Ref, Reason: wire.ReasonNoCredit})
	if e := rig.Expect[*wire.Error](b); e.Code != wire.CodeRetryLater || e.Message != "credits have to be counted again" {
		t.Errorf("got %+v", e)
	}
	rig.Expect[*wire.Order](c.Agent("s2", 1))
}

// TestNotReady: a gateway that does not know its records yet sends a server away, and not for good.
func TestNotReady(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	d, err := dispatch.New(t.Context(), dispatch.Config{Store: st}) // and no Run
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = d.Attach(ctx, rig.Env, nil, &wire.Hello{ServerXID: "s1"})
	end, ok := errors.AsType[*dispatch.EndError](err)
	if !ok || end.Code != wire.CodeRetryLater || end.Message != "the records are still being loaded" {
		t.Errorf("got %v", err)
	}
}

// TestUnknownOrder: what the cloud has no record of is not fenced. Nothing makes the agent delete
// it, and nothing makes it start.
func TestUnknownOrder(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	runs, ended := wire.Ref{Order: "nobody-1", Attempt: 1}, wire.Ref{Order: "nobody-2", Attempt: 1}
	a := c.Agent("s1", 0, rig.Dialing{Hello: func(h *wire.Hello) {
		h.Orders = []wire.InFlight{{Ref: runs, State: wire.StateRunning}}
		h.Results = []wire.Ref{ended}
	}})
	if len(a.Welcome.Fenced) > 0 {
		t.Errorf("welcome fences %v", a.Welcome.Fenced)
	}
	a.Send(
		&wire.Accepted{Ref: runs}, &wire.Accepted{Ref: runs, Hold: true}, &wire.Progress{Ref: runs, State: wire.StateRunning},
		&wire.Ready{Ref: runs}, &wire.Recalled{Ref: runs, OK: true}, &wire.Refused{Ref: runs, Reason: wire.ReasonUnknown},
		&wire.Log{Ref: runs, Stream: wire.Stdout, Data: []byte("x")},
	)
	for _, ref := range []wire.Ref{ended, runs} {
		a.Send(rig.Result(ref))
		if ack := rig.Expect[*wire.ResultAck](a); ack.Ref != ref || ack.Fenced || !ack.Unknown {
			t.Errorf("the result of %s was answered with %+v", ref, ack)
		}
	}
}

// TestPoison: an order that every server gives back, and that makes it unfit for a moment, does not
// keep it from other orders, and is not forgotten either.
func TestPoison(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	a := c.Agent("s1", 1)
	poison := rig.Expect[*wire.Order](submitTo(c, a)).Ref
	giveBack := func() {
		a.Send(&wire.Accepted{Ref: poison})
		a.Send(&wire.Info{Unfit: &wire.Unfit{Code: "host.no_space", Message: "full"}})
		a.Send(&wire.Result{Ref: poison, Outcome: wire.Failed, Returned: true, Error: "app.no_space", Message: "too large"}, &wire.Credit{N: 1})
		rig.Expect[*wire.ResultAck](a)
		a.Send(&wire.Info{})
	}
	for rested := false; !rested; poison.Attempt++ {
		giveBack()
		e := c.Wait(poison.Order, func(e record.Execution) bool { return e.Attempt > poison.Attempt })
		if rested = e.Delay(time.Now()) > 0; !rested {
			rig.Expect[*wire.Order](a)
		}
		if e.Returned > 20 {
			t.Fatal("it is delivered again and again")
		}
	}
	other := submitTo(c, a)
	if o := rig.Expect[*wire.Order](other); o.Order == poison.Order {
		t.Fatal("the other order waits for the one that is given back")
	}
	a.Send(&wire.Credit{N: 1})
	if o := rig.Expect[*wire.Order](a); o.Ref != poison {
		t.Errorf("got %s, want %s", o.Ref, poison)
	}
}

// TestReturned: what a host could not start is given to another, as often as that takes, and costs
// a retryable order none of its tries. A host that says it is unfit gets nothing until it says that
// it is fit; one that says so each time, and gives back whatever it gets, has to wait longer and
// longer.
func TestReturned(t *testing.T) {
	c := rig.Start(t, rig.Options{Dispatch: func(d *dispatch.Config) { d.MaxAttempts = 1 }})
	a := c.Agent("s1", 1)
	r := rig.Expect[*wire.Order](submitTo(c, a)).Ref
	for n := range 3 { // more than MaxAttempts
		a.Send(&wire.Accepted{Ref: r})
		gaveBack := time.Now()
		a.Send(&wire.Info{Unfit: &wire.Unfit{Code: "host.no_space", Message: "full"}})
		a.Send(&wire.Result{Ref: r, Outcome: wire.Failed, Returned: true, Error: "host.no_space", Message: "full"}, &wire.Credit{N: 1})
		if ack := rig.Expect[*wire.ResultAck](a); ack.Ref != r || ack.Fenced {
			t.Errorf("got %+v", ack)
		}
		a.Send(&wire.Result{Ref: r, Outcome: wire.Failed, Returned: true}) // again: the acknowledgement was lost
		if ack := rig.Expect[*wire.ResultAck](a); !ack.Fenced {
			t.Errorf("got %+v", ack)
		}
		if n == 0 {
			a.Silent(quiet)
		}
		a.Send(&wire.Info{})
		o := rig.Expect[*wire.Order](a)
		if o.Order != r.Order || o.Attempt != r.Attempt+1 {
			t.Fatalf("got %s after %s", o.Ref, r)
		}
		if waited, least := time.Since(gaveBack), time.Second<<n; waited < least {
			t.Errorf("the next order came %s after number %d was given back, want at least %s", waited, n, least)
		}
		r = o.Ref
	}
	e := c.Wait(r.Order, func(e record.Execution) bool { return e.Attempt == r.Attempt })
	if e.Lost != 0 || e.Returned != 3 || len(e.History) != 3 || !strings.Contains(e.History[0].Reason, "host.no_space: full") {
		t.Errorf("lost %d, history %+v", e.Lost, e.History)
	}
}
