package metrics

import (
	"context"
	"crypto/x509"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// Registry knows Environments and servers.
type Registry interface {
	Environments() []registry.Environment
	Servers(environment string) []registry.Server
}

// Sessions knows which servers are connected.
type Sessions interface {
	Census() (list []roster.Session, away func(wire.ServerXID) bool)
	Opened() int64 // by this gateway
}

// Orders knows what is queued and runs, and which gateways there are.
type Orders interface {
	Stats(ctx context.Context, environment string) (dispatch.Stats, error)
	Gateway() string
	Gateways() int
}

// Jobs knows what is due.
type Jobs interface {
	Counts(ctx context.Context) (map[string]jobs.Counts, error)
}

// Services knows Apps that run for weeks.
type Services interface {
	List(ctx context.Context) ([]services.View, error)
}

// Store keeps everything.
type Store interface {
	Health() store.Health
	Bytes(ctx context.Context) (map[string]uint64, error)
	Conn() *nats.Conn
}

// Audit counts who was refused.
type Audit interface {
	Refusals() int64
}

// Health says how this gateway finds the cloud.
type Health interface {
	Report() health.Report
}

// Sources are what a scrape asks. All are required.
type Sources struct {
	Registry Registry
	Sessions Sessions
	Orders   Orders
	Jobs     Jobs
	Services Services
	Store    Store
	Audit    Audit
	Health   Health
	Room     func() (quota.Room, error) // on the disk of the data folder
	// Certificates are the server's and that of the CA of agents.
	Server, CA func() *x509.Certificate
}

// asked collects what is asked for at each scrape. It implements prometheus.Collector.
type asked struct {
	Sources
	log *slog.Logger
}

// figure is one that is asked for.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue}
}

// to sends a value.
func (f figure) to(ch chan<- prometheus.Metric, value float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

// fails says that the figure could not be had: the scrape goes on without it.
func (f figure) fails(ch chan<- prometheus.Metric, err error) {
	ch <- prometheus.NewInvalidMetric(f.desc, err)
}

// Describe implements prometheus.Collector.
func (a *asked) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range ofCloud {
		ch <- f.desc
	}
	for _, f := range ofGateway {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (a *asked) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	environments := a.Registry.Environments()
	for _, e := range environments {
		environmentActive.to(ch, truth(e.Active), e.Name)
	}
	a.servers(ch)
	a.orders(ctx, ch, environments)
	a.jobs(ctx, ch)
	a.services(ctx, ch)
	a.stored(ctx, ch)
	a.gateway(ch)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
