package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// counted is what this gateway does, counted as it happens. It implements dispatch.Meter.
type counted struct {
	submitted, delivered, requeued *prometheus.CounterVec
	ended                          *prometheus.CounterVec // also by outcome
	ordersRefused, resultsRefused  *prometheus.CounterVec // also by reason
	queueWait, roundTrip           *prometheus.HistogramVec
	writes                         prometheus.Histogram
	writesFailed                   prometheus.Counter
}

const own = "tccloud_gateway_"

func newCounted() counted {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: own + name, Help: help}, append([]string{environmentLabel}, labels...))
	}
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: own + name, Help: help, Buckets: buckets}, []string{environmentLabel})
	}
	return counted{
		submitted: counter("orders_submitted_total", "Orders that this gateway stored."),
		delivered: counter("orders_delivered_total", "Orders that this gateway gave to a server; one that is given again counts again."),
		requeued:  counter("orders_requeued_total", "Orders that this gateway queued again, because an attempt did not lead to the end."),
		ended:     counter("orders_ended_total", "Orders whose end this gateway stored, by outcome.", "outcome"),
		ordersRefused: counter("orders_refused_total", "Orders that a server of this gateway did not take, by its reason.",
			"reason"),
		resultsRefused: counter("results_refused_total", "Results that this gateway did not take: fenced (the order had another attempt or end by then) or unknown (there is no such order).",
			"reason"),
		queueWait: histogram("order_queue_wait_seconds", "How long orders waited that this gateway gave to a server.",
			.005, .025, .1, .5, 1, 5, 15, 60, 300, 1800, 7200),
		roundTrip: histogram("order_round_trip_seconds", "How long it took from giving an order to a server of this gateway until the server said that it has it.",
			.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10),
		writes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: own + "store_write_seconds", Help: "How long the store took for a small durable write; this gateway makes one each second.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 3},
		}),
		writesFailed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: own + "store_writes_failed_total", Help: "How many of these writes failed.",
		}),
	}
}

// all are what is counted.
func (c *counted) all() []prometheus.Collector {
	return []prometheus.Collector{
		c.submitted, c.delivered, c.requeued, c.ended, c.ordersRefused, c.resultsRefused, c.queueWait, c.roundTrip, c.writes, c.writesFailed,
	}
}

// outcomes are those of orders that ended.
var outcomes = []wire.Outcome{wire.Succeeded, wire.Partial, wire.Failed, wire.Cancelled, wire.TimedOut, wire.Interrupted, wire.Rejected}

// prepare has the figures of an Environment begin with 0: Prometheus does not see what a counter counted
// before it was told of it for the first time.
func (c *counted) prepare(environment string) {
	for _, v := range []*prometheus.CounterVec{c.submitted, c.delivered, c.requeued} {
		v.WithLabelValues(environment)
	}
	for _, o := range outcomes {
		c.ended.WithLabelValues(environment, string(o))
	}
	for _, r := range reasons {
		c.ordersRefused.WithLabelValues(environment, string(r))
	}
	c.resultsRefused.WithLabelValues(environment, fenced)
	c.resultsRefused.WithLabelValues(environment, unknown)
	c.queueWait.WithLabelValues(environment)
	c.roundTrip.WithLabelValues(environment)
}

// forget removes the figures of an Environment that was deleted.
func (c *counted) forget(environment string) {
	of := prometheus.Labels{environmentLabel: environment}
	for _, v := range []interface{ DeletePartialMatch(prometheus.Labels) int }{
		c.submitted, c.delivered, c.requeued, c.ended, c.ordersRefused, c.resultsRefused, c.queueWait, c.roundTrip,
	} {
		v.DeletePartialMatch(of)
	}
}

// Changed implements dispatch.Meter.
func (c *counted) Changed(before, after *dispatch.Execution) {
	environment := after.Environment
	if before == nil {
		c.submitted.WithLabelValues(environment).Inc()
		before = &dispatch.Execution{Attempt: after.Attempt}
	}
	another := before.Attempt != after.Attempt
	if another {
		c.requeued.WithLabelValues(environment).Inc()
	}
	if !after.Delivered.IsZero() && (another || before.Delivered.IsZero()) {
		c.delivered.WithLabelValues(environment).Inc()
		if wait, ok := after.QueueWait(); ok {
			c.queueWait.WithLabelValues(environment).Observe(wait.Seconds())
		}
	}
	if !after.Accepted.IsZero() && (another || before.Accepted.IsZero()) {
		if trip, ok := after.RoundTrip(); ok {
			c.roundTrip.WithLabelValues(environment).Observe(trip.Seconds())
		}
	}
	if after.Terminal() && !before.Terminal() {
		c.ended.WithLabelValues(environment, string(after.Outcome())).Inc()
	}
}

// reasons are those of servers that are known.
var reasons = []wire.Reason{wire.ReasonNoCredit, wire.ReasonUnfit, wire.ReasonDraining, wire.ReasonUnknown}

// OrderRefused implements dispatch.Meter.
func (c *counted) OrderRefused(environment string, reason wire.Reason) {
	if !slices.Contains(reasons, reason) {
		reason = other
	}
	c.ordersRefused.WithLabelValues(environment, string(reason)).Inc()
}

// Why results are refused.
const (
	fenced  = "fenced"
	unknown = "unknown"
)

// ResultRefused implements dispatch.Meter.
func (c *counted) ResultRefused(environment string, isFenced bool) {
	reason := unknown
	if isFenced {
		reason = fenced
	}
	c.resultsRefused.WithLabelValues(environment, reason).Inc()
}

// Wrote takes in how long a write took that shows whether the store takes writes.
func (c *counted) Wrote(took time.Duration, err error) {
	if err != nil {
		c.writesFailed.Inc()
		return
	}
	c.writes.Observe(took.Seconds())
}
