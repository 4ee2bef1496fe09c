package gateway_test

import (
	"testing"

	"tcenvsvr/agent/link/wire"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestOrder is the life of an order that goes well, over each transport.
func TestOrder(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	for name, d := range map[string]rig.Dialing{
		"raw":               {},
		"websocket":         {WebSocket: true},
		"raw no ALPN":       {ALPN: []string{}},
		"websocket no ALPN": {WebSocket: true, ALPN: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.Agent("s1", 1, d)
			defer a.Kill()
			for _, path := range []string{"direct", "queued"} {
				if path == "queued" { // no credit: it has to wait
					first := c.Submit()
					rig.Expect[*wire.Order](a)
					e := c.Submit()
					if e.State != wire.StateQueued {
						t.Fatalf("state without credit is %q", e.State)
					}
					a.Send(rig.Result(first.Ref()), &wire.Credit{N: 1})
					rig.Expect[*wire.ResultAck](a)
				} else {
					c.Submit()
				}
				o := rig.Expect[*wire.Order](a)
				if o.Params["secret"] != "swordfish" || o.Token == "" || o.TokenTTLMS == 0 || o.TimeoutMS != 60_000 {
					t.Errorf("order is not complete: %+v", o)
				}
				a.Send(&wire.Accepted{Ref: o.Ref}, &wire.Progress{Ref: o.Ref, State: wire.StateRunning})
				c.WaitState(o.Order, wire.StateRunning)
				a.Send(rig.Result(o.Ref), rig.Result(o.Ref), &wire.Credit{N: 1})
				for range 2 {
					if ack := rig.Expect[*wire.ResultAck](a); ack.Fenced {
						t.Error("result was fenced")
					}
				}
				e := c.WaitState(o.Order, wire.State(wire.Succeeded))
				if e.Result == nil || e.Server != "s1" || e.Started.IsZero() || e.Ended.IsZero() {
					t.Errorf("record is not complete: %+v", e)
				}
				if _, err := c.Dispatcher.Params(t.Context(), o.Order, o.Attempt); err == nil {
					t.Error("parameters outlive the order")
				}
			}
		})
	}
}
