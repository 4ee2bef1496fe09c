package gateway_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// on is a host with a journal, a boot and a machine of its own.
func on(journal, boot, machine string) rig.Dialing {
	return rig.Dialing{Hello: func(h *wire.Hello) {
		h.Journal, h.BootID, h.MachineID, h.Hostname = journal, boot, machine, "host-"+journal
	}}
}

func refusedFor(t *testing.T, err error, want wire.Code) {
	t.Helper()
	r, ok := errors.AsType[*rig.Refusal](err)
	if !ok || r.Why.Code != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

// TestTwins: of two hosts with one identity the older keeps its session, at whichever gateway the
// other one tries, and both are told.
func TestTwins(t *testing.T) {
	a, b := two(t)
	b.Gateway.Keep(t.Context(), "nobody", twin.Host{ID: "x"}) // reaches both, ends nothing
	original := a.Agent("s1", 1, on("j1", "boot1", "m1"))
	for _, c := range []*rig.Cloud{a, b, a} {
		_, err := c.Join("s1", 1, on("j2", "boot2", "m1"))
		refusedFor(t, err, wire.CodeInUse)
		if m := rig.Expect[*wire.Control](original); m.Action != wire.ActionTwin || m.Args["name"] != "host-j2" || m.Args["host"] == "" {
			t.Errorf("the original was told %+v", m)
		}
	}
	known := a.Referee.Twin("s1", "")
	if known == nil || known.Holder.Name != "host-j1" || len(known.Others) != 1 || known.Others[0].Name != "host-j2" {
		t.Fatalf("recorded: %+v", known)
	}
	// While the original restarts or its gateway does, the other is kept out.
	original.Kill()
	_, err := b.Join("s1", 1, on("j2", "boot2", "m1"))
	refusedFor(t, err, wire.CodeInUse)
	if !strings.Contains(err.Error(), `server "s1" runs on host-j1`) || !strings.Contains(err.Error(), "which is away for the moment, and on this host: an administrator has to choose") {
		t.Errorf("got %v", err)
	}
	original = b.Agent("s1", 1, on("j1", "boot1", "m1"))
	if m := rig.Expect[*wire.Control](original); m.Action != wire.ActionTwin {
		t.Errorf("the original was told %+v in its next session", m)
	}
	// An administrator chooses the other one.
	a.Referee.Set("s1", func(c *twin.Conflict) *twin.Conflict {
		n := *c
		if _, err := n.Keep(c.Others[0].ID, time.Now()); err != nil {
			t.Error(err)
		}
		return &n
	})
	if err := a.Gateway.Keep(t.Context(), "s1", known.Others[0]); err != nil {
		t.Fatal(err)
	}
	if e := rig.Expect[*wire.Error](original); e.Code != wire.CodeInUse {
		t.Errorf("who was not chosen got %+v", e)
	}
	_, err = a.Join("s1", 1, on("j1", "boot1", "m1"))
	refusedFor(t, err, wire.CodeInUse)
	kept := a.Agent("s1", 1, on("j2", "boot2", "m1"))
	if m := rig.Expect[*wire.Control](kept); m.Action != wire.ActionRenew {
		t.Errorf("who was chosen was told %+v", m)
	}
}

// TestMove: who comes back, from wherever, is not taken for a second host.
func TestMove(t *testing.T) {
	frozen := func(t *testing.T, c *rig.Cloud, d rig.Dialing) { // a session that is open and dead
		t.Helper()
		cn, err := c.Dial("s1", rig.Dialing{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cn.Close() })
		h := &wire.Hello{Protocol: 1, BrokerToken: "token-s1", ServerXID: "s1", Slots: 1}
		d.Hello(h)
		cn.Write(h)
		if _, err := cn.Read(rig.Timeout); err != nil {
			t.Fatal(err)
		}
	}
	slow := func(g *gateway.Config) { g.Heartbeat = 2 * time.Second }
	t.Run("agent killed, its connection not closed", func(t *testing.T) {
		c := rig.Start(t, rig.Options{})
		frozen(t, c, on("j1", "boot1", "m1"))
		c.Agent("s1", 1, on("j1", "boot1", "m1"))
	})
	t.Run("host rebooted, its connection not closed", func(t *testing.T) {
		c := rig.Start(t, rig.Options{Gateway: slow})
		frozen(t, c, on("j1", "boot1", "m1"))
		for end := time.Now().Add(2 * rig.Timeout); ; {
			_, err := c.Join("s1", 1, on("j2", "boot2", "m1"))
			if err == nil {
				break
			}
			refusedFor(t, err, wire.CodeRetryLater)
			if time.Now().After(end) {
				t.Fatal("locked out")
			}
		}
		if known := c.Referee.Twin("s1", ""); known != nil {
			t.Errorf("taken for two hosts: %+v", known)
		}
	})
	t.Run("restored elsewhere", func(t *testing.T) {
		c := rig.Start(t, rig.Options{})
		c.Agent("s1", 1, on("j1", "boot1", "m1")).Kill()
		c.Agent("s1", 1, on("j9", "boot9", "m9"))
	})
}

// TestLeaveOfTwin: a clone that is unenrolled does not revoke its original.
func TestLeaveOfTwin(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	original := c.Agent("s1", 1, on("j1", "boot1", "m1"))
	_, err := c.Join("s1", 1, on("j2", "boot2", "m1"))
	refusedFor(t, err, wire.CodeInUse)
	rig.Expect[*wire.Control](original)
	leave := func(boot string) *wire.Probed {
		t.Helper()
		cn, err := c.Dial("s1", rig.Dialing{})
		if err != nil {
			t.Fatal(err)
		}
		defer cn.Close()
		cn.Write(&wire.Hello{Protocol: 1, BrokerToken: "token-s1", ServerXID: "s1", BootID: boot, MachineID: "m1", Probe: true, Leave: true})
		m, err := cn.Read(rig.Timeout)
		p, ok := m.(*wire.Probed)
		if !ok {
			t.Fatalf("got %+v, %v", m, err)
		}
		return p
	}
	if p := leave("boot2"); p.InUse == "" {
		t.Error("the clone was not told that its original keeps the identity")
	}
	if m := rig.Expect[*wire.Control](original); m.Action != wire.ActionTwin || len(m.Args) != 0 {
		t.Errorf("the original was told %+v, want that it is over", m)
	}
	if known := c.Referee.Twin("s1", ""); known != nil {
		t.Errorf("still known: %+v", known)
	}
	c.Submit()
	rig.Expect[*wire.Order](original)
	original.Kill()
	if p := leave("boot1"); p.InUse != "" {
		t.Errorf("the original may not leave: %+v", p)
	}
	_, err = c.Join("s1", 1, on("j1", "boot1", "m1"))
	refusedFor(t, err, wire.CodeRevoked)
}
