package dispatch

import (
	"cmp"
	"log/slog"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// Tokens issues the API token that an App gets (tc_token), valid for ttl. The API of every gateway
// must be able to verify it.
type Tokens interface {
	Issue(order wire.OrderID, attempt wire.Attempt, ttl time.Duration) string
}

// Meter counts what this gateway does. Its methods must not block.
type Meter interface {
	// Changed counts a change of an execution, with what it was before (nil: it is new) and after.
	Changed(before, after *Execution)
	// OrderRefused counts an order that a server did not take.
	OrderRefused(environment string, reason wire.Reason)
	// ResultRefused counts a result that was not taken: fenced, or of an order that is not known.
	ResultRefused(environment string, fenced bool)
}

// noMeter is the Meter where nobody counts.
type noMeter struct{}

func (noMeter) Changed(_, _ *Execution)          {}
func (noMeter) OrderRefused(string, wire.Reason) {}
func (noMeter) ResultRefused(string, bool)       {}

// Config of a Dispatcher. Zero durations take the default in brackets.
type Config struct {
	Store  *store.Store
	Tokens Tokens // nil: Apps get no token
	Meter  Meter  // nil: nothing is counted
	Logger *slog.Logger
	// Trusted reports whether times that were stored may be compared with this host's clock; nil =
	// always.
	Trusted func() bool

	Lease       time.Duration // [90 s] how long a server may stay away before its orders are given up
	AcceptIn    time.Duration // [30 s] from delivered to accepted
	PrepareIn   time.Duration // [30 min] from accepted to running
	Grace       time.Duration // [60 s] added to an order's timeout before the cloud ends it
	Timeout     time.Duration // [1 h] of an order that names none
	QueueTTL    time.Duration // [7 d] of an order that names none; at most 30 d
	TokenTTL    time.Duration // [4 h] of an App's first token
	Retention   time.Duration // [45 d] of ended executions
	MoveAfter   time.Duration // [10 min] from an execution's end to the archive, see package ledger
	RecordBytes int64         // [8 GiB] of all executions; the oldest ended ones go first
	LogAge      time.Duration // [7 d] of logs
	LogBytes    int64         // [4 GiB] of all logs
	LogStream   int64         // [16 MiB] of one stream of one attempt
	MaxAttempts int           // [5] of a retryable order that keeps being interrupted
}

// defaults fills in what Config leaves open.
func defaults(c *Config) {
	if c.Trusted == nil {
		c.Trusted = func() bool { return true }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Meter == nil {
		c.Meter = noMeter{}
	}
	const day = 24 * time.Hour
	c.Lease = cmp.Or(c.Lease, 90*time.Second) // longer than an agent's longest pause, and a connection on top
	c.AcceptIn = cmp.Or(c.AcceptIn, 30*time.Second)
	c.PrepareIn = cmp.Or(c.PrepareIn, 30*time.Minute)
	c.Grace = cmp.Or(c.Grace, time.Minute)
	c.Timeout = cmp.Or(c.Timeout, time.Hour)
	c.QueueTTL = min(cmp.Or(c.QueueTTL, 7*day), maxQueueTTL)
	c.TokenTTL = cmp.Or(c.TokenTTL, 4*time.Hour)
	c.Retention = cmp.Or(c.Retention, 45*day)
	c.RecordBytes = cmp.Or(c.RecordBytes, 8<<30)
	c.LogAge = cmp.Or(c.LogAge, 7*day)
	c.LogBytes = cmp.Or(c.LogBytes, 4<<30)
	c.LogStream = cmp.Or(c.LogStream, 16<<20)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 5)
}
