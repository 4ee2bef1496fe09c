package registry_test

import (
	"context"
	"testing"
	"time"

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
	c.ca.ClientLife(time.Second)
	over := c.issue(registry.Request{Environment: "lab", Name: "over"})
	time.Sleep(time.Until(over.Certificate.NotAfter) + time.Millisecond)
	doubting := func() *registry.Registry {
		t.Helper()
		kv, err := c.store.KV(t.Context(), registry.Bucket, store.KVOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := registry.Open(t.Context(), registry.Config{KV: kv, Authority: c.ca, Trusted: func() bool { return false }})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	got := func(r *registry.Registry) wire.Code {
		_, err := r.Authenticate(t.Context(), over.XID, over.BrokerToken, over.Certificate)
		return code(err)
	}
	if r := doubting(); got(r) != "" {
		t.Error("refused by a clock that nobody ever confirmed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it notes once
	before := doubting()
	if err := before.KeepTime(ctx, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	if got(before) != wire.CodeClock {
		t.Error("doubt that began after the end lets in")
	}
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := doubting().KeepTime(ctx, func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	if r := doubting(); got(r) != "" {
		t.Error("a time was stored that nobody confirmed")
	}
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := doubting().KeepTime(ctx, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	if r := doubting(); got(r) != wire.CodeClock {
		t.Error("a start in doubt lets in")
	}
}
