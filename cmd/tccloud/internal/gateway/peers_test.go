package gateway_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	. "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// external runs a NATS server of its own, as an operator's cluster would be.
func external(t *testing.T) string {
	t.Helper()
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(Patience) {
		t.Fatal("external server did not start")
	}
	return ns.ClientURL()
}

// two runs two gateways on one external store.
func two(t *testing.T) (a, b *Cloud) {
	t.Helper()
	o := Options{URLs: []string{external(t)}, CA: NewCA(t), Dispatch: func(d *dispatch.Config) { d.Lease = time.Second }}
	a, b = Start(t, o), Start(t, o)
	for _, c := range []*Cloud{a, b} {
		for c.Dispatcher.Gateways() < 2 {
			time.Sleep(time.Millisecond)
		}
	}
	return a, b
}

// TestTwoGateways: what is asked of one gateway reaches a server at the other.
func TestTwoGateways(t *testing.T) {
	a, b := two(t)
	s := a.Agent("s1", 1)
	first := b.Submit()
	o := Expect[*wire.Order](s)
	if o.Order != first.ID {
		t.Fatalf("got %s, want %s", o.Order, first.ID)
	}
	if err := b.Dispatcher.Cancel(t.Context(), first.ID, "why not"); err != nil {
		t.Fatal(err)
	}
	Expect[*wire.Cancel](s)
	s.Send(&wire.Log{Ref: o.Ref, Stream: wire.Stdout, Data: []byte("log")}, &wire.Info{Hostname: "h1"})
	s.Send(&wire.Result{Ref: o.Ref, Outcome: wire.Cancelled})
	Expect[*wire.ResultAck](s)
	b.WaitState(first.ID, wire.State(wire.Cancelled))
	for p, err := range b.Dispatcher.Logs(t.Context(), first.ID, dispatch.LogFilter{}) {
		if err != nil || string(p.Data) != "log" {
			t.Errorf("log from the other gateway: %q, %v", p.Data, err)
		}
	}
	other := b.Agent("s2", 1, Dialing{WebSocket: true})
	for _, c := range []*Cloud{a, b} {
		list, err := c.Gateway.Sessions(t.Context())
		if err != nil || len(list) != 2 || list[0].XID != "s1" || list[0].Info == nil || list[1].Transport != "websocket" {
			t.Errorf("sessions: %+v, %v", list, err)
		}
	}
	if err := a.Gateway.Control(t.Context(), "s2", &wire.Control{Action: wire.ActionDrain}); err != nil {
		t.Error(err)
	}
	Expect[*wire.Control](other)
	if err := a.Gateway.Control(t.Context(), "s3", &wire.Control{Action: wire.ActionDrain}); !errors.Is(err, gateway.ErrNotConnected) {
		t.Errorf("control of nobody: %v", err)
	}
	if err := a.Gateway.Disconnect(t.Context(), "s2", wire.CodeRevoked, "revoked by an operator"); err != nil {
		t.Error(err)
	}
	if e := Expect[*wire.Error](other); e.Code != wire.CodeRevoked {
		t.Errorf("disconnected with %+v", e)
	}
}

// TestFence: the newest session wins, at whichever gateway, and what the
// older one was given is settled by its hello.
func TestFence(t *testing.T) {
	a, b := two(t)
	old := a.Agent("s1", 1)
	a.Submit()
	lost := Expect[*wire.Order](old)
	s := b.Agent("s1", 1)
	if e := Expect[*wire.Error](old); e.Code != wire.CodeFenced {
		t.Fatalf("the older session got %+v", e)
	}
	if s.Welcome.Epoch <= old.Welcome.Epoch {
		t.Errorf("epoch %d after %d", s.Welcome.Epoch, old.Welcome.Epoch)
	}
	o := Expect[*wire.Order](s)
	if o.Order != lost.Order || o.Attempt != 2 {
		t.Errorf("got %s, want attempt 2 of %s", o.Ref, lost.Order)
	}
}

// TestGatewayDies: the sessions of a gateway that fell silent are away,
// and its server goes on at the other one.
func TestGatewayDies(t *testing.T) {
	a, b := two(t)
	s := a.Agent("s1", 2)
	a.Submit()
	kept := Expect[*wire.Order](s)
	a.Submit()
	lost := Expect[*wire.Order](s)
	a.Stop()
	if e := Expect[*wire.GoAway](s); e.Code != wire.CodeShutdown || e.WindowMS == 0 {
		t.Errorf("goodbye was %+v", e)
	}
	s = b.Agent("s1", 1, Dialing{Hello: func(h *wire.Hello) {
		h.Orders = []wire.InFlight{{Ref: kept.Ref, State: wire.StateRunning}}
	}})
	if o := Expect[*wire.Order](s); o.Order != lost.Order || o.Attempt != 2 {
		t.Errorf("got %s, want attempt 2 of %s", o.Ref, lost.Order)
	}
	s.Kill()
	// Nobody has it now: the lease decides.
	b.WaitState(kept.Order, wire.State(wire.Interrupted))
}
