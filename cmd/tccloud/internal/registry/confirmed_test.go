package registry_test

import (
	"context"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestDoubtLetsNobodyIn: a certificate that was over while the servers confirmed the clock stays
// over when that is in question, however many of them make it so, and after a start as well. One
// that was not over then is good for as long as nobody knows.
func TestDoubtLetsNobodyIn(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	c.ca.ClientLife(0) // it ends with the second in which it was made, which is over
	over := c.issue(registry.Request{Environment: "lab", Name: "over"})
	doubting := func() *registry.Registry {
		t.Helper()
		return c.open(registry.Config{Authority: c.ca, Trusted: func() bool { return false }})
	}
	got := func(r *registry.Registry) wire.Code {
		_, err := r.Authenticate(t.Context(), over.XID, over.BrokerToken, over.Certificate)
		return code(err)
	}
	if r := doubting(); got(r) != "" {
		t.Error("refused by a clock that nobody ever confirmed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it notes once, and stores nothing
	before := doubting()
	if err := before.KeepTime(ctx, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	if got(before) != wire.CodeClock {
		t.Error("doubt that began after the end lets in")
	}
	ctx, cancel = context.WithCancel(t.Context())
	unconfirmed := doubting()
	if err := unconfirmed.KeepTime(ctx, func() bool { cancel(); return false }); err != nil {
		t.Fatal(err)
	}
	if got(unconfirmed) != "" || got(doubting()) != "" {
		t.Error("a time was kept that nobody confirmed")
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	kept := make(chan error, 1)
	go func() { kept <- doubting().KeepTime(ctx, func() bool { return true }) }()
	kv, err := c.store.KV(t.Context(), registry.Bucket, store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := kv.Watch(t.Context(), "clk")
	if err != nil {
		t.Fatal(err)
	}
	for e := range stored.Updates() { // nil says that there was nothing at first
		if e != nil {
			break
		}
	}
	cancel()
	if err := <-kept; err != nil {
		t.Fatal(err)
	}
	if r := doubting(); got(r) != wire.CodeClock {
		t.Error("a start in doubt lets in")
	}
}
