package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// Metrics counts from the start of the process on, and asks its [Sources] when it is scraped.
type Metrics struct {
	registry *prometheus.Registry
	counted
	asked *asked
	log   *slog.Logger
	// turn has a token for each scrape that may be collected at the same time.
	turn chan struct{}
}

const (
	// atOnce is how many scrapes are collected at the same time; others wait.
	atOnce = 2
	// askTimeout bounds how long a scrape waits for other gateways and for the store.
	askTimeout = 3 * time.Second
)

// New returns Metrics of a program of this version. It counts at once, and serves when it has sources.
func New(version string, log *slog.Logger) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), counted: newCounted(), log: log, turn: make(chan struct{}, atOnce)}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tccloud_gateway_build_info", Help: "1, with the version of the program and of Go.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	info.Set(1)
	m.registry.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.all()...)
	return m
}

// Ask has scrapes ask these sources. It is called once, before Serve.
func (m *Metrics) Ask(s Sources) {
	m.asked = &asked{Sources: s, log: m.log}
	m.registry.MustRegister(m.asked)
}

// Serve answers a scrape with what the principal sees.
func (m *Metrics) Serve(w http.ResponseWriter, r *http.Request, p access.Principal) {
	promhttp.HandlerFor(prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return m.gather(r.Context(), p) }), promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelDebug), ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
}

func (m *Metrics) gather(ctx context.Context, p access.Principal) ([]*dto.MetricFamily, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	there := map[string]bool{}
	for _, e := range m.asked.Registry.Environments() {
		there[e.Name] = true
		m.prepare(e.Name)
	}
	all, err := m.registry.Gather()
	visible, gone := scope(all, p, there)
	for _, environment := range gone {
		m.forget(environment)
	}
	return visible, err
}
