package agent

import (
	"testing"
	"time"

	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

// TestAdjust changes the slots of an agent whose slots are all in use: the cloud is told at once,
// and running jobs are left alone.
func TestAdjust(t *testing.T) {
	r := newRig(t)
	r.slots = 1
	s := r.start()
	r.warm(s)
	busy := r.order("busy", "time.sleep(60)")
	s.Send(t, busy)
	running(s, t)
	r.agent.Adjust(Limits{Executors: 3, Services: r.places, InfoEvery: time.Hour})
	if m := linktest.Expect[*wire.Credit](t, s); m.N != 2 {
		t.Errorf("got %d credits, want those of the 2 new slots", m.N)
	}
	if m := linktest.Expect[*wire.Info](t, s); m.Running != 1 {
		t.Errorf("got %+v, want an info with one running order", m)
	}
	r.agent.Adjust(Limits{Executors: 1, Services: r.places, InfoEvery: time.Hour})
	extra := r.order("extra", "pass")
	s.Send(t, extra)
	if m := linktest.Expect[*wire.Refused](t, s); m.Ref != extra.Ref || m.Reason != wire.ReasonNoCredit {
		t.Errorf("an order for a slot that was taken away: %+v", m)
	}
	if st := r.agent.Status(); st.Executors != 1 || st.Active != 1 {
		t.Errorf("got %d executors and %d active, want 1 and the one that runs", st.Executors, st.Active)
	}
	s.Send(t, &wire.Cancel{Ref: busy.Ref})
	r.result(s, busy.Ref, wire.Cancelled)
}

// TestInfoFollowsItsInterval gets one info after the other when they are wanted often.
func TestInfoFollowsItsInterval(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.agent.Adjust(Limits{Executors: r.slots, Services: r.places, InfoEvery: 10 * time.Millisecond})
	for range 3 {
		linktest.Expect[*wire.Info](t, s)
	}
}
