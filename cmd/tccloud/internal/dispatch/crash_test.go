package dispatch_test

import (
	"testing"

	"tcenvsvr/agent/link/wire"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestCrash kills the cloud after each step of an order's life. No order is lost, none is started
// twice, no result is lost.
func TestCrash(t *testing.T) {
	// Each case works up to the crash with agent a, and goes on after it with the cloud that found
	// the files.
	for _, tc := range []struct {
		name  string
		until func(c *rig.Cloud) wire.Ref
		after func(c *rig.Cloud, r wire.Ref)
	}{
		{"queued",
			func(c *rig.Cloud) wire.Ref { e := c.Submit(); return e.Ref() },
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1)
				if o := rig.Expect[*wire.Order](a); o.Ref != r {
					c.T.Fatalf("got %s, want %s", o.Ref, r)
				}
				finish(c, a, r)
			}},
		{"delivered, never arrived",
			func(c *rig.Cloud) wire.Ref {
				a := c.Agent("s1", 1)
				return rig.Expect[*wire.Order](submitTo(c, a)).Ref
			},
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1)
				o := rig.Expect[*wire.Order](a)
				if o.Order != r.Order || o.Attempt != 2 {
					c.T.Fatalf("got %s, want attempt 2 of %s", o.Ref, r.Order)
				}
				a.Send(rig.Result(r)) // somebody says something about attempt 1 all the same
				if ack := rig.Expect[*wire.ResultAck](a); !ack.Fenced {
					c.T.Error("a result of attempt 1 was taken")
				}
				finish(c, a, o.Ref)
			}},
		{"delivered, journaled",
			func(c *rig.Cloud) wire.Ref {
				a := c.Agent("s1", 1)
				return rig.Expect[*wire.Order](submitTo(c, a)).Ref
			},
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1, rig.Dialing{Hello: inFlight(r, wire.StateAccepted)})
				if len(a.Welcome.Fenced) > 0 {
					c.T.Fatalf("fenced %v", a.Welcome.Fenced)
				}
				finish(c, a, r)
			}},
		{"running, but only in memory",
			func(c *rig.Cloud) wire.Ref {
				a := c.Agent("s1", 1)
				r := rig.Expect[*wire.Order](submitTo(c, a)).Ref
				a.Send(&wire.Accepted{Ref: r}, &wire.Progress{Ref: r, State: wire.StateRunning})
				c.WaitState(r.Order, wire.StateRunning)
				return r
			},
			func(c *rig.Cloud, r wire.Ref) {
				finish(c, c.Agent("s1", 1, rig.Dialing{Hello: inFlight(r, wire.StateRunning)}), r)
			}},
		{"running",
			func(c *rig.Cloud) wire.Ref { return running(c, c.Agent("s1", 1)) },
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1, rig.Dialing{Hello: inFlight(r, wire.StateRunning)})
				c.WaitState(r.Order, wire.StateRunning)
				finish(c, a, r)
			}},
		{"running, the agent lost its journal",
			func(c *rig.Cloud) wire.Ref { return running(c, c.Agent("s1", 1)) },
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1)
				c.WaitState(r.Order, wire.State(wire.Interrupted))
				a.Silent(quiet)
			}},
		{"running, the agent lost its journal, retryable",
			func(c *rig.Cloud) wire.Ref { return running(c, c.Agent("s1", 1), retryable) },
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1)
				if o := rig.Expect[*wire.Order](a); o.Order != r.Order || o.Attempt != 2 {
					c.T.Fatalf("got %s, want attempt 2 of %s", o.Ref, r.Order)
				}
			}},
		{"held",
			func(c *rig.Cloud) wire.Ref { return held(c, c.Agent("s1", 1)) },
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1, rig.Dialing{Hello: inFlight(r, wire.StatePreparing)})
				a.Send(&wire.Ready{Ref: r})
				rig.Expect[*wire.Start](a)
				finish(c, a, r)
			}},
		{"held, the agent lost it",
			func(c *rig.Cloud) wire.Ref { return held(c, c.Agent("s1", 1)) },
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1)
				if o := rig.Expect[*wire.Order](a); o.Order != r.Order || o.Attempt != 2 {
					c.T.Fatalf("got %s, want attempt 2 of %s", o.Ref, r.Order)
				}
			}},
		{"granted, start was lost",
			func(c *rig.Cloud) wire.Ref {
				a := c.Agent("s1", 1)
				r := held(c, a)
				a.Send(&wire.Ready{Ref: r})
				rig.Expect[*wire.Start](a)
				return r
			},
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1, rig.Dialing{Hello: inFlight(r, wire.StateAccepted)})
				a.Send(&wire.Ready{Ref: r})
				rig.Expect[*wire.Start](a)
				finish(c, a, r)
			}},
		{"finished, the result was not sent",
			func(c *rig.Cloud) wire.Ref { return running(c, c.Agent("s1", 1)) },
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1, rig.Dialing{Hello: func(h *wire.Hello) { h.Results = []wire.Ref{r} }})
				finish(c, a, r)
			}},
		{"finished, the acknowledgement was lost",
			func(c *rig.Cloud) wire.Ref {
				a := c.Agent("s1", 1)
				r := running(c, a)
				finish(c, a, r)
				return r
			},
			func(c *rig.Cloud, r wire.Ref) {
				a := c.Agent("s1", 1, rig.Dialing{Hello: func(h *wire.Hello) { h.Results = []wire.Ref{r} }})
				finish(c, a, r)
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := rig.Start(t, rig.Options{})
			r := tc.until(c)
			tc.after(c.Crash(), r)
		})
	}
}
