package metrics

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// fake is a cloud of so many servers in ten Environments.
type fake struct {
	servers []registry.Server
	live    []roster.Session
	err     error
}

func (f *fake) Environments() []registry.Environment {
	var all []registry.Environment
	for i := range 10 {
		all = append(all, registry.Environment{Name: fmt.Sprint("env", i), Active: true})
	}
	return all
}
func (f *fake) Servers(string) []registry.Server { return f.servers }
func (f *fake) Census() ([]roster.Session, func(wire.ServerXID) bool) {
	return f.live, func(xid wire.ServerXID) bool { return xid != "unknown" }
}
func (f *fake) Opened() int64   { return 1 }
func (f *fake) Gateway() string { return "me" }
func (f *fake) Gateways() int   { return 2 }
func (f *fake) Stats(context.Context, string) (dispatch.Stats, error) {
	return dispatch.Stats{Queued: 3, Running: 2}, f.err
}
func (f *fake) Counts(context.Context) (map[string]jobs.Counts, error) {
	return map[string]jobs.Counts{"env1": {Due: 2, Late: 1}}, f.err
}
func (f *fake) List(context.Context) ([]services.View, error) {
	return []services.View{{Service: services.Service{Name: "s", Environment: "env1", Running: true}}}, f.err
}
func (f *fake) Health() store.Health { return store.Health{} }
func (f *fake) Bytes(context.Context) (map[string]uint64, error) {
	return map[string]uint64{"LOGS": 7}, f.err
}
func (f *fake) Conn() *nats.Conn { return &nats.Conn{} }
func (f *fake) Refusals() int64  { return 4 }
func (f *fake) Report() health.Report {
	return health.Report{Checks: []health.Result{{Name: "disk", Finding: health.Finding{State: health.NoIntake}}}}
}

func open(f *fake) *Metrics {
	m := New("1.2.3", slog.New(slog.DiscardHandler))
	cert := func() *x509.Certificate { return &x509.Certificate{NotAfter: time.Unix(9, 0)} }
	m.Ask(Sources{
		Registry: f, Sessions: f, Orders: f, Jobs: f, Services: f, Store: f, Audit: f, Health: f,
		Room: func() (quota.Room, error) { return quota.Room{}, errors.ErrUnsupported }, Server: cert, CA: cert,
	})
	return m
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Serve(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil), access.Principal{})
	return w.Body.String()
}

// has reports the lines that a scrape does not have.
func has(t *testing.T, all string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(all, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, all)
		}
	}
}

// TestHostileAgents: what agents say makes few series and no bad text.
func TestHostileAgents(t *testing.T) {
	f := &fake{}
	for i := range 100 {
		xid := wire.ServerXID(fmt.Sprint("s", i))
		f.servers = append(f.servers, registry.Server{XID: xid, Environment: "env1"})
		version := fmt.Sprint("9.9.", i) // each another one
		switch {
		case i < 40:
			version = "1.0.0"
		case i < 50:
			version = strings.Repeat("x", i) + "\"} 1\n# TYPE\xff"
		}
		f.live = append(f.live, roster.Session{XID: xid, Environment: "env1", Version: version, Executors: 4, Credit: 1})
	}
	f.live = append(f.live, f.live[0]) // it has just come back
	f.servers = append(f.servers, registry.Server{XID: "away", Environment: "env1"}, registry.Server{XID: "unknown", Environment: "env1"},
		registry.Server{XID: "revoked", Environment: "env1", Revoked: new(time.Time)})
	m := open(f)
	for range 3 {
		m.OrderRefused("env1", wire.Reason("made up\xff"))
	}
	all := scrape(t, m)
	has(t, all, `tccloud_servers_connected{environment="env1",version="1.0.0"} 40`, `tccloud_servers_connected{environment="env1",version="other"} 41`,
		`tccloud_servers{environment="env1",state="connected"} 100`, `tccloud_servers{environment="env1",state="away"} 1`,
		`tccloud_servers{environment="env1",state="unknown"} 1`, `tccloud_servers{environment="env1",state="revoked"} 1`,
		`tccloud_slots{environment="env1"} 400`, `tccloud_slots_free{environment="env1"} 100`, `tccloud_gateway_orders_refused_total{environment="env1",reason="other"} 3`,
		`tccloud_jobs_late{environment="env1"} 1`, `tccloud_services{environment="env1",state="waiting"} 1`, `tccloud_gateway_health{check="disk"} 2`)
	if n := strings.Count(all, "\ntccloud_servers_connected{"); n != mostVersions+1 {
		t.Errorf("got %d versions", n)
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v, %v", problems, err)
	}
}

// TestWhatFailsIsLeftOut: a store or a gateway that does not answer takes nothing else away.
func TestWhatFailsIsLeftOut(t *testing.T) {
	all := scrape(t, open(&fake{err: errors.New("no answer")}))
	has(t, all, `tccloud_environment_active{environment="env1"} 1`, "tccloud_gateway_store_writable 1", `tccloud_gateway_orders_ended_total{environment="env1",outcome="failed"} 0`)
	for _, absent := range []string{"\ntccloud_orders_queued{", "\ntccloud_jobs{", "\ntccloud_services{", "\ntccloud_stored_bytes{"} {
		if strings.Contains(all, absent) {
			t.Errorf("got %s", absent)
		}
	}
}

// TestChanged: an order counts once for what happens to it, however often its record is written.
func TestChanged(t *testing.T) {
	m := open(&fake{})
	at := time.Now()
	queued := dispatch.Execution{Environment: "env1", Attempt: 1, State: wire.StateQueued, Queued: at}
	delivered := queued
	delivered.State, delivered.Delivered = wire.StateDelivered, at.Add(time.Second)
	accepted := delivered
	accepted.State, accepted.Accepted = wire.StateAccepted, at.Add(1200*time.Millisecond)
	again := queued
	again.Attempt, again.Queued = 2, at.Add(2*time.Second)
	second := again
	second.State, second.Delivered = wire.StateDelivered, at.Add(3*time.Second)
	ended := second
	ended.State, ended.Ended = wire.State(wire.Failed), at.Add(4*time.Second)
	var before *dispatch.Execution
	for _, now := range []*dispatch.Execution{&queued, &queued, &delivered, &accepted, &accepted, &again, &second, &ended, &ended} {
		m.Changed(before, now)
		before = now
	}
	m.Changed(nil, &delivered) // at once
	has(t, scrape(t, m), `tccloud_gateway_orders_submitted_total{environment="env1"} 2`, `tccloud_gateway_orders_delivered_total{environment="env1"} 3`,
		`tccloud_gateway_orders_requeued_total{environment="env1"} 1`, `tccloud_gateway_orders_ended_total{environment="env1",outcome="failed"} 1`,
		`tccloud_gateway_order_queue_wait_seconds_count{environment="env1"} 3`, `tccloud_gateway_order_queue_wait_seconds_sum{environment="env1"} 3`,
		`tccloud_gateway_order_round_trip_seconds_bucket{environment="env1",le="0.25"} 1`, `tccloud_gateway_order_round_trip_seconds_count{environment="env1"} 1`)
}

// large is a cloud with 1,000 servers.
func large() *Metrics {
	f := &fake{}
	for i := range 1000 {
		xid, environment := wire.ServerXID(fmt.Sprint("s", i)), fmt.Sprint("env", i%10)
		f.servers = append(f.servers, registry.Server{XID: xid, Environment: environment})
		f.live = append(f.live, roster.Session{XID: xid, Environment: environment, Version: fmt.Sprint("1.0.", i%5)})
	}
	return open(f)
}

// TestCost: a scrape of 1,000 servers is cheap, and an order's change takes no memory.
func TestCost(t *testing.T) {
	m := large()
	if n := testing.AllocsPerRun(5, func() { scrape(t, m) }); n > 20_000 {
		t.Errorf("a scrape takes %v objects", n)
	}
	at := time.Now()
	x, y := dispatch.Execution{Environment: "env1", Queued: at}, dispatch.Execution{Environment: "env1", Queued: at, Delivered: at}
	if n := testing.AllocsPerRun(100, func() { m.Changed(&x, &y) }); n > 0 {
		t.Errorf("a change takes %v objects", n)
	}
}

func BenchmarkScrape(b *testing.B) {
	m := large()
	b.ReportAllocs()
	for b.Loop() {
		m.Serve(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), "GET", "/metrics", nil), access.Principal{})
	}
}
