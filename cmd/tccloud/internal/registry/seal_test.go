package registry_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// state is a statement of a server about its sealing key.
func (c *cloud) state(ring envelope.Ring, xid wire.ServerXID, environment string) string {
	c.Helper()
	key, cert, err := c.ca.IssueClient(string(xid))
	if err != nil {
		c.Fatal(err)
	}
	s, err := envelope.State(ring, xid, environment, tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}, time.Now())
	if err != nil {
		c.Fatal(err)
	}
	text, err := s.MarshalText()
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

func newRing(t *testing.T) envelope.Ring {
	t.Helper()
	r, err := envelope.NewRing(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// revision is that of what is stored of a server's sealing key, 0 for nothing.
func (c *cloud) revision(xid wire.ServerXID) uint64 {
	c.Helper()
	kv, err := c.store.JS().KeyValue(c.Context(), registry.Bucket)
	if err != nil {
		c.Fatal(err)
	}
	e, err := kv.Get(c.Context(), "sel."+string(xid))
	if err != nil {
		return 0
	}
	return e.Revision()
}

func TestSealKey(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	xid := c.issue(registry.Request{Environment: "lab", Name: "one"}).XID
	ring := newRing(t)
	text := c.state(ring, xid, "lab")
	id := ring.Current().ID().String()
	say := func(text string, want ...string) {
		t.Helper()
		got, err := c.StateSealKey(t.Context(), xid, "lab", text)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	// A statement that nobody would believe is not kept.
	say(c.state(ring, "another", "lab"))
	say(c.state(ring, xid, "plant"))
	say("tcsealkey:v1:junk")
	foreign := newCloud(t)
	say(foreign.state(ring, xid, "lab"))
	if c.revision(xid) != 0 {
		t.Error("a bad statement was stored")
	}
	var log bytes.Buffer // says why
	if ids, err := c.gateway(slog.New(slog.NewTextHandler(&log, nil))).StateSealKey(t.Context(), xid, "lab", c.state(ring, "another", "lab")); len(ids) > 0 || err != nil || !strings.Contains(log.String(), `it is of server \"another\"`) {
		t.Errorf("got %q, %v, and the log has %q", ids, err, log.String())
	}
	if s, err := c.Server(xid); err != nil || s.SealKey != nil {
		t.Errorf("got %+v, %v, want no key", s.SealKey, err)
	}

	say(text, id)
	first := c.revision(xid)
	say(text, id)
	if got := c.revision(xid); got != first {
		t.Errorf("the same statement was written again: revision %d after %d", got, first)
	}
	s, err := c.Server(xid)
	if err != nil || s.SealKey == nil || s.SealKey.ID != id || s.SealKey.Fingerprint != ring.Current().Fingerprint().String() {
		t.Errorf("got %+v, %v", s.SealKey, err)
	}
	list, err := c.Statements(t.Context(), "lab")
	if err != nil || len(list) != 1 || list[0].Statement != text || list[0].Name != "one" {
		t.Errorf("got %+v, %v", list, err)
	}

	// A server opens with the keys that it replaced as well, and other gateways know it.
	next, err := ring.Rotate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	newer := next.Current().ID().String()
	say(c.state(next, xid, "lab"), newer, id)
	other := c.gateway()
	for _, r := range []*registry.Registry{c.Registry, other} {
		for _, key := range []string{id, newer} {
			if got := r.Openers("lab", []string{"x", key}); len(got) != 1 || got[0].XID != xid {
				t.Errorf("%s: got %+v", key, got)
			}
		}
		if got := r.Openers("lab", []string{"x"}); len(got) != 0 {
			t.Errorf("got %+v, want nobody", got)
		}
	}
	for range 20 { // bounded, whatever a server does
		text = c.state(newRing(t), xid, "lab")
		if _, err := c.StateSealKey(t.Context(), xid, "lab", text); err != nil {
			t.Fatal(err)
		}
	}
	if ids, err := c.StateSealKey(t.Context(), xid, "lab", text); err != nil || len(ids) != 16 {
		t.Errorf("got %d keys, %v, want 16", len(ids), err)
	}

	// It goes with the server.
	if _, err := c.Revoke(t.Context(), xid); err != nil {
		t.Fatal(err)
	}
	if list, err := c.Statements(t.Context(), "lab"); err != nil || len(list) != 0 {
		t.Errorf("of a revoked server: got %+v, %v", list, err)
	}
	if err := c.Sweep(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	if c.revision(xid) != 0 {
		t.Error("the sealing key outlives its server")
	}
	xid = c.issue(registry.Request{Environment: "lab", Name: "two"}).XID
	say(c.state(ring, xid, "lab"), id)
	if err := c.DeleteEnvironment(context.WithoutCancel(t.Context()), "lab"); err != nil {
		t.Fatal(err)
	}
	if c.revision(xid) != 0 {
		t.Error("the sealing key outlives its environment")
	}
}
