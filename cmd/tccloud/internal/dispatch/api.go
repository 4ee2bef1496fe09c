package dispatch

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// Errors that callers tell apart.
var (
	ErrNotFound = ledger.ErrNotFound
	ErrEnded    = errors.New("the execution has ended already")
	ErrInvalid  = errors.New("invalid order")
	ErrNotHeld  = errors.New("the order is not held by a server")
)

// Execution is what the cloud knows about one order; see record.
type Execution = record.Execution

// Request asks for one run of one App.
type Request struct {
	Environment string
	App         wire.AppRef
	Runtime     wire.Runtime
	Params      map[string]string // secret; gone from the store when the order has ended
	// KVContext is the key-value context of a Playbook App, for who sets variables before
	// the order can start; "" makes a new one.
	KVContext    string
	OutVariables []string
	Defaults     map[string]string // further tc_* and api_* parameters; secret as well
	Timeout      time.Duration     // of the App's run; 0 = Config.Timeout
	StartWithin  time.Duration     // rejected when not delivered so long after Submit; 0 = Config.QueueTTL
	Priority     int               // 0 (last)–9 (first); what people mean by nothing said is DefaultPriority
	Retryable    bool              // may run again after interrupted
}

// DefaultPriority is the usual Request.Priority.
const DefaultPriority = 5

// Tokens issues the API token an App gets (tc_token). An implementation
// must make it verifiable by every gateway's API.
type Tokens interface {
	Issue(order wire.OrderID, attempt wire.Attempt, ttl time.Duration) string
}

// Config of a Dispatcher. Zero durations take the default in brackets.
type Config struct {
	Store  *store.Store
	Tokens Tokens // nil: Apps get no token
	Logger *slog.Logger
	// Trusted reports whether this host's clock may judge a time that was written down; nil = always.
	Trusted func() bool

	Lease       time.Duration // [90 s] how long a server may stay away before its orders are given up
	AcceptIn    time.Duration // [30 s] from delivered to accepted
	PrepareIn   time.Duration // [30 min] from accepted to running
	Grace       time.Duration // [60 s] added to an order's timeout before the cloud ends it
	Timeout     time.Duration // [1 h] of an order that names none
	QueueTTL    time.Duration // [7 d] of an order that names none; at most 30 d
	TokenTTL    time.Duration // [4 h] of an App's first token
	Retention   time.Duration // [45 d] of ended executions
	RecordBytes int64         // [8 GiB] of all executions; the oldest ended ones go first
	LogAge      time.Duration // [7 d] of logs
	LogBytes    int64         // [4 GiB] of all logs
	LogStream   int64         // [16 MiB] of one stream of one attempt
	MaxAttempts int           // [5] of a retryable order that keeps being interrupted
}

// Filter selects executions; empty fields select all.
type Filter struct {
	Environment string
	State       wire.State
	Limit       int // newest first; 0 = 100
}

// LogFilter selects pieces of an execution's log.
type LogFilter struct {
	Attempt wire.Attempt // 0 = the current one
	Stream  wire.Stream  // "" = all, interleaved as they arrived
	Offset  int64        // only with Stream: skip so many bytes
	Follow  bool         // go on until the execution has ended and its log is complete
}

// Chunk is a piece of one log stream. The pieces of a stream follow each
// other without gap or overlap.
type Chunk struct {
	wire.Ref
	Stream wire.Stream
	Offset int64 // of Data[0] in the stream
	Data   []byte
}

// Stats are an Environment's figures.
type Stats struct {
	Queued, Running  int
	Day, Week, Month int           // executions created in the last 1, 7 and 30 calendar days (UTC)
	QueueWait        time.Duration // mean over the last 100 deliveries
}

// Service is what the rest of the cloud uses; *Dispatcher implements it. It
// is declared here as documentation.
type Service interface {
	// Submit stores an order durably and returns at once; it is queued, or
	// on its way to an agent already. ErrInvalid where no agent could take it.
	Submit(ctx context.Context, r Request) (Execution, error)
	// Get returns one execution or ErrNotFound.
	Get(ctx context.Context, id wire.OrderID) (Execution, error)
	// List returns executions, newest first.
	List(ctx context.Context, f Filter) ([]Execution, error)
	// Cancel ends a queued order at once and asks the agent otherwise.
	// It returns when the wish is durable; ErrEnded, ErrNotFound.
	Cancel(ctx context.Context, id wire.OrderID, reason string) error
	// Recall asks for a held order back, so that another server gets it.
	Recall(ctx context.Context, id wire.OrderID) error
	// Watch yields the execution now and after each change; the channel
	// is closed after the terminal state or when ctx ends. A slow reader
	// misses intermediate states, never the last.
	Watch(ctx context.Context, id wire.OrderID) (<-chan Execution, error)
	// Logs yields the log from the beginning.
	Logs(ctx context.Context, id wire.OrderID, f LogFilter) iter.Seq2[Chunk, error]
	// Params returns the order's parameters for an attempt that is current;
	// ErrNotFound otherwise.
	Params(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (map[string]string, error)
	// Owner tells which server an attempt was given to, and whether it is
	// still the current one and not ended (uploads are then allowed).
	Owner(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (wire.ServerXID, bool, error)
	// Listed returns the time back to which List knows all, and true where that is all there are.
	Listed() (since time.Time, all bool)
	// Stats returns an Environment's figures.
	Stats(ctx context.Context, environment string) (Stats, error)
}
