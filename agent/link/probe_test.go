package link_test

import (
	"errors"
	"testing"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

func TestProbe(t *testing.T) {
	b := linktest.Start(t, linktest.Config{Environment: "Lab", Token: "good"})
	for _, transport := range []string{link.TransportRaw, link.TransportWebSocket} {
		c := link.Config{
			Address: b.Address(), Transport: transport, TLS: b.TLS(t),
			Hello: func() wire.Hello { return wire.Hello{Protocol: wire.Protocol, ServerXID: "x", BrokerToken: "good"} },
		}
		if p, err := link.Probe(t.Context(), c); err != nil || p.Environment != "Lab" {
			t.Errorf("%s: got %+v, %v", transport, p, err)
		}
		c.Hello = func() wire.Hello { return wire.Hello{Protocol: wire.Protocol, ServerXID: "x", BrokerToken: "bad"} }
		_, err := link.Probe(t.Context(), c)
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "hello.bad_broker_token" {
			t.Errorf("%s, wrong token: got %v", transport, err)
		}
	}
	c := link.Config{Address: "127.0.0.1:1", TLS: b.TLS(t), Hello: func() wire.Hello { return wire.Hello{} }}
	if _, err := link.Probe(t.Context(), c); err == nil {
		t.Error("nothing listens there, and no error")
	}
}
