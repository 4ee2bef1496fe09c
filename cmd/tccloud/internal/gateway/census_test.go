package gateway_test

import (
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/dispatch"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestCensusOfASilentGateway: a gateway that is alive and does not answer makes its servers unknown, and no
// others.
func TestCensusOfASilentGateway(t *testing.T) {
	o := rig.Options{URLs: []string{rig.External(t)}, CA: rig.NewCA(t), Referee: &rig.Referee{}, Dispatch: func(d *dispatch.Config) { d.Lease = time.Second }}
	a := rig.Start(t, o)
	nc := a.Dispatcher.Conn()
	kv, err := a.Store.JS().KeyValue(t.Context(), "sessions")
	if err != nil {
		t.Fatal(err)
	}
	// What a gateway does that holds a session and lives, without the rest of it.
	if _, err := kv.Put(t.Context(), "theirs", []byte(`{"gateway":"other"}`)); err != nil {
		t.Fatal(err)
	}
	for holder := ""; holder != "other" || a.Dispatcher.Gateways() != 2; time.Sleep(time.Millisecond) {
		if err := nc.Publish("tccloud.gateway.alive", []byte("other")); err != nil {
			t.Fatal(err)
		}
		if holder, err = a.Dispatcher.Holder(t.Context(), "theirs"); err != nil {
			t.Fatal(err)
		}
	}
	a.Agent("ours", 1)
	list, away := a.Gateway.Census()
	if len(list) != 1 || list[0].XID != "ours" {
		t.Fatalf("got %+v", list)
	}
	if away("theirs") || !away("nobody's") {
		t.Errorf("got away %t, %t", away("theirs"), away("nobody's"))
	}
}
