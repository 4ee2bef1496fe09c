package gateway_test

import (
	"testing"

	"tcenvsvr/agent/link/wire"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// ask sends a hello that wants no session and returns the answer.
func ask(t *testing.T, c *rig.Cloud, xid wire.ServerXID, change func(*wire.Hello)) wire.Message {
	t.Helper()
	cn, err := c.Dial(xid, rig.Dialing{})
	if err != nil {
		t.Fatal(err)
	}
	defer cn.Close()
	h := &wire.Hello{Protocol: wire.Protocol, ServerXID: xid, BrokerToken: "token-" + string(xid), Probe: true}
	if change != nil {
		change(h)
	}
	if err := cn.Write(h); err != nil {
		t.Fatal(err)
	}
	m, err := cn.Read(rig.Timeout)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestProbe: the question is answered, and the server's session goes on.
func TestProbe(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	running := c.Agent("s1", 1)
	if p, ok := ask(t, c, "s1", nil).(*wire.Probed); !ok || p.Environment != rig.Env || p.ServerTime == 0 {
		t.Errorf("got %+v, want probed in %q", p, rig.Env)
	}
	if e, ok := ask(t, c, "s1", func(h *wire.Hello) { h.BrokerToken = "guess" }).(*wire.Error); !ok || e.Code != wire.CodeBadToken {
		t.Errorf("wrong token: got %+v", e)
	}
	if list := c.Gateway.Sessions(); len(list) != 1 || list[0].Epoch != running.Welcome.Epoch {
		t.Errorf("sessions after the probes: %+v; want the one of epoch %d", list, running.Welcome.Epoch)
	}
	if err := running.Conn.Write(&wire.Info{Hostname: "still here"}); err != nil {
		t.Error(err)
	}
	if _, ok := ask(t, c, "s2", func(h *wire.Hello) { h.Leave = true }).(*wire.Probed); !ok {
		t.Error("leaving was refused")
	}
	if e, ok := ask(t, c, "s2", nil).(*wire.Error); !ok || e.Code != wire.CodeRevoked {
		t.Errorf("after leaving: got %+v", e)
	}
}

// TestRenewIsAnswered: a refusal is told and does not end the session.
func TestRenewIsAnswered(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	a := c.Agent("s1", 1)
	if !a.Welcome.Renews {
		t.Error("welcome does not offer to renew")
	}
	a.Send(&wire.Renew{Request: []byte{1}, Newest: wire.SHA256("00000000000000000000000000000000000000000000000000000000000000aa")})
	if r := rig.Expect[*wire.Renewed](a); r.Problem == "" {
		t.Errorf("got %+v", r)
	}
}
