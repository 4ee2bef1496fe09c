package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestWindow: the time in which agents come back grows with their number, and ends long before their
// leases.
func TestWindow(t *testing.T) {
	for _, tt := range []struct {
		agents      int
		lease, want time.Duration
	}{
		{0, 90 * time.Second, time.Second},
		{1, 90 * time.Second, time.Second},
		{1000, 90 * time.Second, 5 * time.Second},
		{9000, 90 * time.Second, 45 * time.Second},
		{9000, time.Hour, 45 * time.Second},
		{100_000, time.Hour, time.Minute},
		{100_000, 30 * time.Second, 15 * time.Second},
		{1, time.Second, 500 * time.Millisecond},
	} {
		if got := gateway.Window(tt.agents, tt.lease); got != tt.want {
			t.Errorf("%d agents with a lease of %s come back within %s, want %s", tt.agents, tt.lease, got, tt.want)
		}
	}
}

// TestSurplus: only a gateway that has far more than its share sheds, and then until it has its share.
func TestSurplus(t *testing.T) {
	for _, tt := range []struct {
		here, elsewhere, others int
		shedding                bool
		want                    int
	}{
		{20, 0, 1, false, 0},
		{22, 0, 1, false, 11},
		{21, 1, 1, true, 10},
		{12, 10, 1, true, 1},
		{11, 11, 1, true, 0},
		{10, 12, 1, true, 0},
		{3000, 6000, 3, false, 750},
		{2600, 6400, 3, false, 0},
		{2600, 6400, 3, true, 350},
		{9000, 0, 1, false, 4500},
		{1, 0, 1, true, 0},
		{0, 0, 1, true, 0},
	} {
		if got := gateway.Surplus(tt.here, tt.elsewhere, tt.others, tt.shedding); got != tt.want {
			t.Errorf("%d here and %d at %d others, shedding %v: surplus %d, want %d", tt.here, tt.elsewhere, tt.others, tt.shedding, got, tt.want)
		}
	}
}

// TestBalance: agents that all came to one gateway are sent to the other one, besides those that are busy,
// and none is sent away again that came back.
func TestBalance(t *testing.T) {
	o := rig.Options{URLs: []string{rig.External(t)}, CA: rig.NewCA(t), Referee: &rig.Referee{}, Gateway: func(c *gateway.Config) { c.ShedAfter = 10 * time.Millisecond }}
	a := rig.Start(t, o)
	busy := a.Agent("busy", 1)
	a.Submit()
	order := rig.Expect[*wire.Order](busy)
	back := make(chan *rig.Agent, 30)
	for i := range 25 {
		agent := a.Agent(wire.ServerXID(fmt.Sprint("s", i)), 0)
		go func() {
			m, err := agent.Recv()
			if away, ok := m.(*wire.GoAway); ok && err == nil {
				if away.Code != wire.CodeRebalance || away.Message != "another gateway has fewer servers" {
					t.Errorf("got %+v", away)
				}
				back <- agent
			}
		}()
	}
	b := rig.Start(t, o)
	until(t, "the other gateway is known", func() bool { return a.Dispatcher.Gateways() == 2 })
	first := <-back // as an agent that reaches no other gateway
	first.Kill()
	again := a.Agent(first.XID, 0)
	for range 12 {
		agent := <-back
		agent.Kill()
		b.Agent(agent.XID, 0)
	}
	here := func(c *rig.Cloud) (n int) {
		for _, s := range c.Gateway.Sessions() {
			if s.Gateway == c.Dispatcher.Gateway() {
				n++
			}
		}
		return n
	}
	// One or two more may have left meanwhile.
	until(t, "both have about the same", func() bool { return here(a) >= 11 && here(a) <= 14 && here(b) == 12 })
	for _, one := range []*rig.Agent{busy, again} {
		one.Send(&wire.Ping{Seq: 1})
		rig.Expect[*wire.Pong](one) // and no GoAway
	}
	busy.Send(rig.Result(order.Ref))
	rig.Expect[*wire.ResultAck](busy)
}
