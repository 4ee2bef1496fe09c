package gateway_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

func beat(d time.Duration) rig.Options {
	return rig.Options{Gateway: func(g *gateway.Config) { g.Heartbeat = d }}
}

// TestHalfOpen: an agent that is silent is given up after 2.5 heartbeats, one that answers pings is
// not.
func TestHalfOpen(t *testing.T) {
	c := rig.Start(t, beat(100*time.Millisecond))
	good := c.Agent("good", 1)
	cn, err := c.Dial("frozen", rig.Dialing{})
	if err != nil {
		t.Fatal(err)
	}
	defer cn.Close()
	cn.Write(&wire.Hello{Protocol: 1, BrokerToken: "token-frozen", ServerXID: "frozen"})
	for {
		m, err := cn.Read(rig.Timeout)
		if err != nil {
			t.Fatalf("closed without a word: %v", err)
		}
		if e, ok := m.(*wire.Error); ok {
			if e.Code != wire.CodeHeartbeat || e.Message != "nothing was heard for 2.5 heartbeats" {
				t.Errorf("given up with %+v", e)
			}
			break
		}
	}
	c.Submit()
	rig.Expect[*wire.Order](good)
	if list := c.Gateway.Sessions(); len(list) != 1 || list[0].RTT == 0 {
		t.Errorf("sessions: %+v", list)
	}
}

// TestPing: the agent's pings are answered.
func TestPing(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	a := c.Agent("s1", 1)
	if a.Welcome.HeartbeatMS != 10_000 || a.Welcome.ConfigRevision != 7 || a.Welcome.Environment != rig.Env {
		t.Errorf("welcome is %+v", a.Welcome)
	}
	a.Send(&wire.Ping{Seq: 42})
	if p := rig.Expect[*wire.Pong](a); p.Seq != 42 {
		t.Errorf("pong %d", p.Seq)
	}
}

// TestSlowAgent: an agent that does not read holds up nobody else.
func TestSlowAgent(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	slow, err := c.Dial("slow", rig.Dialing{})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.Write(&wire.Hello{Protocol: 1, BrokerToken: "token-slow", ServerXID: "slow"})
	if _, err := slow.Read(rig.Timeout); err != nil {
		t.Fatal(err)
	}
	big := &wire.Control{Action: wire.ActionDiagnostics, Args: map[string]string{"x": string(make([]byte, 30<<10))}}
	for range 200 { // far more than the sockets' buffers
		if c.Gateway.Control(t.Context(), "slow", big) != nil {
			break // cut already
		}
	}
	good := c.Agent("good", 1)
	c.Submit()
	rig.Expect[*wire.Order](good)
}

// TestBrokers: agents are told where the cloud is, and when that changes.
func TestBrokers(t *testing.T) {
	var now atomic.Pointer[[]string]
	now.Store(&[]string{"a:1"})
	c := rig.Start(t, rig.Options{Gateway: func(g *gateway.Config) {
		g.Heartbeat, g.Brokers = 200*time.Millisecond, func() []string { return *now.Load() }
	}})
	a := c.Agent("s1", 1)
	if !slices.Equal(a.Welcome.Brokers, []string{"a:1"}) {
		t.Errorf("welcomed with %q", a.Welcome.Brokers)
	}
	now.Store(&[]string{"a:1", "b:2"})
	if m := rig.Expect[*wire.Control](a); m.Action != wire.ActionBrokers || m.Args["brokers"] != "a:1,b:2" {
		t.Errorf("told %+v", m)
	}
}
