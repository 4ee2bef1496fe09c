package agent

import (
	"runtime"
	"testing"
	"time"

	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/wire"
)

// TestAckWithoutResult: a cloud that acknowledges what it was not told yet
// makes the agent neither forget an order that runs nor start it twice.
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
	r.eventually("the order is forgotten", func() bool { return r.agent.find(o.Ref) == nil })
	if n := r.starts(string(o.Order)); n != 1 {
		t.Errorf("the App was started %d times", n)
	}
}

// TestFloodOfControls: a cloud that asks for diagnostics without end, and reads
// nothing, does not fill the agent.
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
