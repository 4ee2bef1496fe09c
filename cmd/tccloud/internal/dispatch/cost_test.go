package dispatch_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// cost is what an order takes.
type cost struct{ objects, messages float64 }

// TestCostDoesNotGrow: an order takes as many messages to the store, and objects in memory, when executions
// have ended as in an empty store. More have ended than stay in memory: an order that looked at all of either
// would make thousands more.
func TestCostDoesNotGrow(t *testing.T) {
	ended := 6000
	if testing.Short() {
		ended = 2000
	}
	c := rig.Start(t, rig.Options{})
	a := c.Agent("one", 1)
	var last wire.OrderID
	order := func() {
		t.Helper()
		r := rig.Expect[*wire.Order](submitTo(c, a)).Ref
		last = r.Order
		a.Send(&wire.Accepted{Ref: r}, &wire.Progress{Ref: r, State: wire.StateRunning})
		finish(c, a, r)
		a.Send(&wire.Credit{N: 1})
	}
	measure := func() cost {
		t.Helper()
		const orders = 100
		nc := c.Store.JS().Conn()
		var before, after runtime.MemStats
		sent := nc.Stats()
		runtime.ReadMemStats(&before)
		for range orders {
			order()
		}
		runtime.ReadMemStats(&after)
		now := nc.Stats()
		return cost{float64(after.Mallocs-before.Mallocs) / orders, float64(now.OutMsgs-sent.OutMsgs) / orders}
	}
	for range 20 { // whatever is made once
		order()
	}
	empty := measure()
	fill(c, last, ended)
	full := measure()
	// What a scrape of package metrics asks of each Environment.
	if n := testing.AllocsPerRun(10, func() { _, _ = c.Dispatcher.Stats(t.Context(), rig.Env) }); n > 10 {
		t.Errorf("the figures of an Environment take %v objects", n)
	}
	t.Logf("an order in an empty store: %+v; when %d have ended: %+v", empty, ended, full)
	// What else the process does meanwhile is in both. An order that takes long is noted once more.
	if full.objects > empty.objects+float64(ended)/10 || full.messages > empty.messages+2 {
		t.Errorf("an order in an empty store takes %+v; when %d have ended %+v", empty, ended, full)
	}
}

// fill stores n executions that have ended as the one with this id has, and waits until the dispatcher has seen
// them.
func fill(c *rig.Cloud, like wire.OrderID, n int) {
	c.T.Helper()
	js := c.Store.JS()
	kv, err := js.KeyValue(c.T.Context(), "executions")
	if err != nil {
		c.T.Fatal(err)
	}
	e, err := kv.Get(c.T.Context(), string(like))
	if err != nil {
		c.T.Fatal(err)
	}
	if js, err = jetstream.New(js.Conn(), jetstream.WithPublishAsyncMaxPending(n)); err != nil {
		c.T.Fatal(err)
	}
	id := like
	for i := range n {
		id = wire.OrderID(fmt.Sprintf("%s%06x", like[:len(like)-6], i))
		if _, err := js.PublishAsync("$KV.executions."+string(id), bytes.ReplaceAll(e.Value(), []byte(like), []byte(id))); err != nil {
			c.T.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(2 * time.Minute):
		c.T.Fatal("the executions are not stored")
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		list, err := c.Dispatcher.List(c.T.Context(), dispatch.Filter{Environment: rig.Env, Text: string(id)}, "", 1)
		if err != nil {
			c.T.Fatal(err)
		}
		if len(list.Executions) == 1 {
			return
		}
		if time.Since(begun) > rig.Timeout {
			c.T.Fatal("the dispatcher does not see what was stored")
		}
	}
}
