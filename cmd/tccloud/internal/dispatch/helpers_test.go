package dispatch_test

import (
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// quiet is how long nothing must happen. A test that gets it wrong passes too often, never fails
// too often.
const quiet = 100 * time.Millisecond

// inFlight says in hello that the agent has the order in this state.
func inFlight(r wire.Ref, s wire.State) func(*wire.Hello) {
	return func(h *wire.Hello) { h.Orders = append(h.Orders, wire.InFlight{Ref: r, State: s}); h.Slots = 0 }
}

func retryable(r *dispatch.Request) { r.Retryable = true }

// finish runs the attempt to a good end and checks that nobody else is given the order.
func finish(c *rig.Cloud, a *rig.Agent, r wire.Ref) {
	c.T.Helper()
	a.Send(rig.Result(r))
	if ack := rig.Expect[*wire.ResultAck](a); ack.Ref != r || ack.Fenced {
		c.T.Fatalf("result of %s was answered with %+v", r, ack)
	}
	e := c.WaitState(r.Order, wire.State(wire.Succeeded))
	if e.Attempt != r.Attempt {
		c.T.Errorf("succeeded as attempt %d, want %d", e.Attempt, r.Attempt)
	}
}

// submitTo hands in an order that goes to a, the only agent.
func submitTo(c *rig.Cloud, a *rig.Agent, change ...func(*dispatch.Request)) *rig.Agent {
	c.T.Helper()
	c.Submit(change...)
	return a
}

// running brings an order into the state running, durably.
func running(c *rig.Cloud, a *rig.Agent, change ...func(*dispatch.Request)) wire.Ref {
	c.T.Helper()
	r := rig.Expect[*wire.Order](submitTo(c, a, change...)).Ref
	a.Send(&wire.Accepted{Ref: r}, &wire.Progress{Ref: r, State: wire.StateRunning})
	stored(c, r.Order, func(e *record.Record) bool { return e.State == wire.StateRunning })
	return r
}

// held brings an order to an agent that has to prepare.
func held(c *rig.Cloud, a *rig.Agent, change ...func(*dispatch.Request)) wire.Ref {
	c.T.Helper()
	r := rig.Expect[*wire.Order](submitTo(c, a, change...)).Ref
	a.Send(&wire.Accepted{Ref: r, Hold: true})
	stored(c, r.Order, func(e *record.Record) bool { return e.Hold })
	return r
}

// stored waits until the bucket, not only memory, has what is wanted.
func stored(c *rig.Cloud, id wire.OrderID, want func(*record.Record) bool) {
	c.T.Helper()
	kv, err := c.Store.JS().KeyValue(c.T.Context(), "executions")
	if err != nil {
		c.T.Fatal(err)
	}
	for end := time.Now().Add(rig.Timeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		e, err := kv.Get(c.T.Context(), string(id))
		if err != nil {
			c.T.Fatal(err)
		}
		if rec, err := record.Decode(e.Value()); err == nil && want(rec) {
			return
		}
	}
	c.T.Fatalf("order %s was not stored as wanted", id)
}

// short makes the leases and deadlines of a dispatcher short.
func short(change ...func(*dispatch.Config)) rig.Options {
	return rig.Options{Dispatch: func(d *dispatch.Config) {
		d.Lease = 300 * time.Millisecond
		for _, f := range change {
			f(d)
		}
	}}
}
