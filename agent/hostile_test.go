package agent

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// TestAckWithoutResult: a cloud that acknowledges what it was not told yet makes the agent neither
// forget an order that runs nor start it twice.
func TestAckWithoutResult(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, open := r.gated(s)
	s.Send(t, &wire.ResultAck{Ref: o.Ref})
	s.Send(t, o)
	if got := linktest.Expect[*wire.Accepted](t, s); got.Ref != o.Ref {
		t.Errorf("got %+v, want the order accepted from the journal", got)
	}
	open()
	got := r.result(s, o.Ref, wire.Succeeded)
	s.Send(t, &wire.ResultAck{Ref: got.Ref})
	r.eventually("the order is forgotten", func() bool { return r.agent.slots.find(o.Ref) == nil })
	if n := r.starts(string(o.Order)); n != 1 {
		t.Errorf("the App was started %d times", n)
	}
}

// TestFloodOfControls: a cloud that asks for diagnostics without end, and reads nothing, does not
// fill the agent.
func TestFloodOfControls(t *testing.T) {
	r := newRig(t)
	s := r.start()
	before := runtime.NumGoroutine()
	s.Freeze()
	for range 20_000 {
		s.Send(t, &wire.Control{Action: wire.ActionDiagnostics})
	}
	time.Sleep(time.Second)
	if n := runtime.NumGoroutine() - before; n > 100 {
		t.Errorf("%d goroutines came", n)
	}
}

// TestCloudThatTakesNoResults: what is kept for a cloud that gives orders and acknowledges nothing,
// or knows none of them afterwards, is bounded. That is said, and ends by itself.
func TestCloudThatTakesNoResults(t *testing.T) {
	r := newRig(t)
	r.start()
	owe := func(n int) {
		for i := range n {
			ref := wire.Ref{Order: wire.OrderID(fmt.Sprintf("owed-%d", i)), Attempt: 1}
			r.agent.slots.restore(order.New(&r.agent.common, wire.Order{Ref: ref}), true)
		}
	}
	owe(wire.MaxHelloRefs)
	if err := r.agent.look(); err != nil {
		t.Errorf("the most that may wait: %v", err)
	}
	owe(wire.MaxHelloRefs + 1)
	err := r.agent.look()
	if fitness.Code(err) != fitness.Owing || !strings.HasSuffix(err.Error(), "results wait for the cloud's acknowledgement, 1024 may") || HostHint(fitness.Owing) == "" {
		t.Errorf("got %v, want %s", err, fitness.Owing)
	}
	r.agent.slots.mu.Lock()
	clear(r.agent.slots.orders)
	r.agent.slots.mu.Unlock()
	if err := r.agent.look(); err != nil {
		t.Errorf("when all were taken: %v", err)
	}
}
