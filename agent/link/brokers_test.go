package link_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/directory"
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
	for range 4 { // that another one is away does not hide when the busy one wants to be asked again
		a := start(t, busy, func(c *link.Config) { c.Address = busy.Address() + "," + closedPort(t) })
		until(t, "a failure", func() bool { return a.State().Failure != nil })
		if s := a.State(); s.Failure.Code != "hello.retry_later" || s.RetryIn < 59*time.Minute {
			t.Errorf("got %s, again in %s", s.Failure, s.RetryIn)
		}
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

// knowing gives an agent whose setting is the broker b, as the cloud has it, a directory, and pins b's CA.
func knowing(t *testing.T, b *linktest.Broker, conf func(*link.Config)) (*directory.Directory, func(*link.Config)) {
	t.Helper()
	d := directory.Open(filepath.Join(t.TempDir(), "brokers.json"), "xid-1", []string{b.Address()}, slog.New(slog.DiscardHandler))
	d.Learn([]string{b.Address()})
	return d, func(c *link.Config) {
		c.Directory, c.Pinned = d, b.TLS(t)
		conf(c)
	}
}

// TestNamedBroker: a broker that a session named takes the agent when its own is gone.
func TestNamedBroker(t *testing.T) {
	t.Parallel()
	var names []string
	var shared *tls.Config
	first := linktest.Start(t, linktest.Config{
		TLS:     func(c *tls.Config) { shared = c },
		Welcome: func(wire.Hello) wire.Welcome { return wire.Welcome{Brokers: names} },
	})
	second := linktest.Start(t, linktest.Config{TLS: func(c *tls.Config) { *c = *shared.Clone() }})
	names = []string{first.Address(), second.Address()}
	d, conf := knowing(t, first, func(*link.Config) {})
	a := start(t, first, conf)
	wait(t, a.welcomes)
	until(t, "the directory", func() bool { return slices.Contains(d.Brokers(), second.Address()) })
	first.Close()
	wait(t, a.welcomes)
	if got := a.State().Broker; got != second.Address() {
		t.Errorf("connected to %q, want %q", got, second.Address())
	}
}

// TestNamedBrokerMustProve: where somebody in the connection names a broker of his own, its certificate
// does not count, although this host trusts its CA, and it hears nothing.
func TestNamedBrokerMustProve(t *testing.T) {
	t.Parallel()
	thief := linktest.Start(t, linktest.Config{})
	first := linktest.Start(t, linktest.Config{
		TLS:     func(c *tls.Config) { c.ClientCAs.AddCert(thief.CA.Certificate()) },
		Welcome: func(wire.Hello) wire.Welcome { return wire.Welcome{Brokers: []string{"127.0.0.1:9", thief.Address()}} },
	})
	d, conf := knowing(t, first, func(c *link.Config) {
		given, err := c.TLS()
		if err != nil {
			t.Fatal(err)
		}
		trusting := given.Clone()
		trusting.RootCAs = first.CA.Pool()
		trusting.RootCAs.AddCert(thief.CA.Certificate())
		c.TLS = func() (*tls.Config, error) { return trusting, nil }
	})
	a := start(t, first, conf)
	wait(t, a.welcomes)
	until(t, "the directory", func() bool { return slices.Contains(d.Brokers(), thief.Address()) })
	first.Close()
	until(t, "an attempt at the thief's", func() bool { return thief.Connections() > 0 })
	until(t, "a failure", func() bool { return a.State().Attempts > 0 })
	a.stop()
	select {
	case w := <-a.welcomes:
		t.Errorf("the thief's broker opened a session: %+v", w)
	default:
	}
	if !strings.Contains(a.log.String(), "tls.unknown") {
		t.Errorf("the log says\n%s", a.log)
	}
}
