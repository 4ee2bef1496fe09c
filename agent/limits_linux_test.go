package agent

import (
	"strings"
	"testing"

	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

// TestOrderLimits: a limit of an order comes to its shim, which says that it cannot hold it here.
func TestOrderLimits(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	if strings.Contains(r.log.String(), "is not limited") {
		t.Fatal("the agent complains of a limit that nobody set")
	}
	o := r.order("o1", "pass")
	o.Limits = wire.Limits{MemoryMB: 512}
	s.Send(t, o)
	linktest.Expect[*wire.Accepted](t, s)
	r.result(s, o.Ref, wire.Succeeded)
	if !strings.Contains(r.log.String(), "the memory of Apps is not limited on this host") {
		t.Error("a limit that does not hold was passed over in silence, or did not arrive")
	}
}
