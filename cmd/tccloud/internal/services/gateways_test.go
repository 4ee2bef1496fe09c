package services_test

import (
	"bytes"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// TestTwoGateways: a call that comes to one gateway reaches the App whose server is at the other, with
// bodies of any size both ways, and another gateway goes on where one has ended.
func TestTwoGateways(t *testing.T) {
	o := gatewaytest.Options{
		URLs: []string{gatewaytest.External(t)}, CA: gatewaytest.NewCA(t), Referee: &gatewaytest.Referee{},
		Dispatch: func(d *dispatch.Config) { d.Lease = time.Second },
	}
	one := open(t, o, func(c *services.Config) { c.Gateway = "one" })
	two := open(t, o, func(c *services.Config) { c.Gateway = "two" })
	for _, s := range []*side{one, two} {
		for s.Dispatcher.Gateways() < 2 {
			time.Sleep(time.Millisecond)
		}
	}
	a := one.Agent("s1", 1, room(1))
	two.create(t, "lookup", wire.RuntimeAPIService)
	ref := up(a)
	one.until(t, "lookup", phase(services.Ready))
	two.until(t, "lookup", phase(services.Ready))
	var svc *services.Service
	for svc == nil { // what is stored is on its way
		svc, _ = two.services.ByPath("lookup")
		time.Sleep(time.Millisecond)
	}
	question, reply := make([]byte, 5<<20), make([]byte, 3<<20)
	_, _ = rand.Read(question)
	_, _ = rand.Read(reply)
	call := func() (*services.Answer, error) {
		return two.services.Call(t.Context(), svc, services.Call{Method: "POST", Path: "/", Body: question})
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		got, err := call()
		if err != nil || !bytes.Equal(got.Body, reply) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	m := told(a)
	kv := api.ServiceContext(svc.ID, m["requestKey"].(string))
	if body, err := one.exchange.Get(t.Context(), kv, "request.body"); err != nil || !bytes.Equal(body, question) {
		t.Fatalf("got %d bytes, %v", len(body), err)
	}
	if err := one.exchange.Put(t.Context(), kv, "response.body", reply); err != nil {
		t.Fatal(err)
	}
	say(a, ref, 0, map[string]any{"command": "Acknowledged", "type": "RunService", "requestKey": m["requestKey"], "status": "OK", "statusCode": "200", "bodyVariable": "response.body"})
	wg.Wait()

	one.stop()
	one.Cloud.Stop()
	b := two.Agent("s1", 1, gatewaytest.Dialing{Hello: func(h *wire.Hello) {
		h.Orders = []wire.InFlight{{Ref: ref, State: wire.StateRunning}}
	}})
	ready(b, ref)
	for two.services.Live(ref.Order) == nil {
		time.Sleep(time.Millisecond)
	}
	wg.Go(func() {
		if got, err := call(); err != nil || got.Status != 204 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	m = told(b)
	say(b, ref, 0, map[string]any{"command": "Acknowledged", "type": "RunService", "requestKey": m["requestKey"], "status": "No Content", "statusCode": 204})
	wg.Wait()
	if v := two.until(t, "lookup", phase(services.Ready)); v.State.Restarts != 0 || v.State.Current.Order != ref.Order {
		t.Errorf("got %+v", v.State)
	}
	// The one that is left looks after the services.
	b.Send(ended(ref, wire.Failed), &wire.Credit{Services: 1})
	gatewaytest.Expect[*wire.ResultAck](b)
	up(b)
}
