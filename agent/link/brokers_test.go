package link_test

import (
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

// pair is two brokers of one cloud.
func pair(t *testing.T) (a, b *linktest.Broker) {
	t.Helper()
	var shared *tls.Config
	a = linktest.Start(t, linktest.Config{TLS: func(c *tls.Config) { shared = c }})
	return a, linktest.Start(t, linktest.Config{TLS: func(c *tls.Config) { *c = *shared.Clone() }})
}

// TestBrokerDies: an agent whose broker dies is back at another one at once, and one that is dead
// from the start costs no pause.
func TestBrokerDies(t *testing.T) {
	t.Parallel()
	for range 3 { // in random order
		first, second := pair(t)
		a := start(t, first, func(c *link.Config) { c.Address = closedPort(t) + "," + first.Address() + "," + second.Address() })
		wait(t, a.welcomes)
		if s := a.State(); s.Attempts != 0 {
			t.Errorf("a dead broker cost %d attempts", s.Attempts)
		}
		left, other := first, second
		if a.State().Broker == second.Address() {
			left, other = second, first
		}
		lost := time.Now()
		left.Close()
		wait(t, a.welcomes)
		if got := a.State().Broker; got != other.Address() {
			t.Errorf("connected to %q, want %q", got, other.Address())
		}
		if took := time.Since(lost); took > 10*time.Second {
			t.Errorf("the agent was away for %s", took)
		}
		a.stop()
	}
}

// TestBrokerBusy: a broker that takes nobody now sends nobody away from the others; a server that
// is refused is refused by all of them, and asks one.
func TestBrokerBusy(t *testing.T) {
	t.Parallel()
	busy, free := pair(t)
	both := busy.Address() + "," + free.Address()
	busy.Refuse(&wire.Error{Code: wire.CodeRetryLater, RetryAfterMS: 3_600_000})
	for range 4 {
		a := start(t, busy, func(c *link.Config) { c.Address = both })
		wait(t, a.welcomes)
		a.stop()
	}
	refused := &wire.Error{Code: wire.CodeRevoked}
	busy.Refuse(refused)
	free.Refuse(refused)
	before := busy.Connections() + free.Connections()
	_, err := link.Probe(t.Context(), link.Config{Address: both, TLS: busy.TLS(t), Hello: hello})
	if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "hello.revoked" {
		t.Errorf("got %v", err)
	}
	if n := busy.Connections() + free.Connections() - before; n != 1 {
		t.Errorf("%d brokers were asked", n)
	}
}
