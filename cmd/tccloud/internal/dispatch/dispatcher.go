package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/logs"
	"tcenvsvr/cmd/tccloud/internal/dispatch/params"
	"tcenvsvr/cmd/tccloud/internal/dispatch/presence"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// Errors that callers tell apart.
var (
	ErrNotFound = ledger.ErrNotFound
	ErrExists   = ledger.ErrExists
	ErrEnded    = errors.New("the execution has ended already")
	ErrInvalid  = errors.New("invalid order")
)

// Execution is what the cloud knows about one order; see record.
type Execution = record.Execution

// Dispatcher gives orders to sessions and keeps their records. Any number of them work on one
// store. It is safe for concurrent use.
type Dispatcher struct {
	cfg      Config
	log      *slog.Logger
	ledger   *ledger.Ledger
	presence *presence.Registry
	logs     *logs.Logs
	params   *params.Store
	due      chan struct{} // one token: environments have something to do
	garbage  atomic.Bool   // objects of ended orders are to be removed

	mu       sync.Mutex
	sessions map[wire.ServerXID]*Session
	envs     map[string]*environment
}

// environment is what this gateway knows of one Environment.
type environment struct {
	sessions map[*Session]struct{}
	due      bool // something may be deliverable
	pumping  bool // a goroutine works on it
}

// New opens the buckets and streams. No order is delivered before Run runs.
func New(ctx context.Context, cfg Config) (*Dispatcher, error) {
	defaults(&cfg)
	d := &Dispatcher{
		cfg: cfg, log: cfg.Logger.With("component", "dispatch"),
		due:      make(chan struct{}, 1),
		sessions: map[wire.ServerXID]*Session{},
		envs:     map[string]*environment{},
	}
	var err error
	if d.presence, err = presence.Open(ctx, presence.Config{Store: cfg.Store, Fence: d.fence}); err != nil {
		return nil, fmt.Errorf("opening dispatcher: %w", err)
	}
	if d.ledger, err = ledger.Open(ctx, ledger.Config{
		Store: cfg.Store, Gateway: d.presence.ID(), Retention: cfg.Retention, MoveAfter: cfg.MoveAfter,
		Trusted: cfg.Trusted, Logger: d.log, Changed: d.changed, Made: d.made,
	}); err != nil {
		return nil, fmt.Errorf("opening dispatcher: %w", err)
	}
	if d.logs, err = logs.Open(ctx, logs.Config{
		Store: cfg.Store, Age: cfg.LogAge, Bytes: cfg.LogBytes, Stream: cfg.LogStream,
	}); err != nil {
		return nil, fmt.Errorf("opening dispatcher: %w", err)
	}
	if d.params, err = params.Open(ctx, cfg.Store); err != nil {
		return nil, fmt.Errorf("opening dispatcher: %w", err)
	}
	return d, nil
}

// Gateway is the name of this process among the gateways; each process has a new one.
func (d *Dispatcher) Gateway() string { return d.presence.ID() }

// Gateways returns how many gateways are alive, this one included.
func (d *Dispatcher) Gateways() int { return d.presence.Gateways() }

// Holder returns the gateway that has the server's session as far as is known here, "" for none.
func (d *Dispatcher) Holder(ctx context.Context, xid wire.ServerXID) (string, error) {
	return d.presence.Holder(ctx, xid)
}

// Claim returns who claimed the server's newest session; see [presence.Registry.Newest].
func (d *Dispatcher) Claim(xid wire.ServerXID) (gateway string, epoch int64, age time.Duration, known bool) {
	return d.presence.Newest(xid)
}

// Gone reports whether the server has been without a session for longer than a lease: its orders are
// given up.
func (d *Dispatcher) Gone(xid wire.ServerXID) bool {
	away, ok := d.presence.Away(xid)
	return ok && away > d.cfg.Lease
}

// Lease is how long a server may stay away before its orders are given up.
func (d *Dispatcher) Lease() time.Duration { return d.cfg.Lease }

// Busy are the servers that have an order or a service.
func (d *Dispatcher) Busy() map[wire.ServerXID]bool {
	busy := map[wire.ServerXID]bool{}
	for _, a := range d.ledger.Active(func(a ledger.Aged) bool { return a.State != wire.StateQueued }) {
		busy[a.Server] = true
	}
	return busy
}

// Alone reports whether no other gateway can be there.
func (d *Dispatcher) Alone() bool { return d.cfg.Store.Embedded() }

// Conn is the connection by which gateways talk to each other.
func (d *Dispatcher) Conn() *nats.Conn { return d.cfg.Store.Conn() }

// StoreFailing returns for how long the store has taken no write, 0 if it took one a moment ago.
func (d *Dispatcher) StoreFailing() time.Duration {
	h := d.cfg.Store.Health()
	if h.Err == nil {
		return 0
	}
	return time.Since(h.Since)
}

// Ready is closed when all executions are known; sessions wait for it.
func (d *Dispatcher) Ready() <-chan struct{} { return d.ledger.Ready() }

// Run delivers orders, handles overdue ones and follows what other gateways do, until ctx ends. An
// error means that the store is closed for good.
func (d *Dispatcher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.ledger.Run(ctx) })
	g.Go(func() error { return d.presence.Run(ctx) })
	g.Go(func() error { return d.reap(ctx) })
	g.Go(func() error { return d.pumps(ctx) })
	g.Go(func() error { d.removeOldQueues(ctx); return nil })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("dispatching: %w", err)
	}
	return nil
}

// removeOldQueues removes the streams in which the queues of Environments were before they were in
// memory. A gateway of an earlier version that still runs makes its own again.
func (d *Dispatcher) removeOldQueues(ctx context.Context) {
	names := d.cfg.Store.JS().StreamNames(ctx, jetstream.WithStreamListSubject("orders.>"))
	var all []string
	for name := range names.Name() {
		all = append(all, name)
	}
	err := names.Err()
	for _, name := range all {
		err = errors.Join(err, d.cfg.Store.JS().DeleteStream(ctx, name))
	}
	if err != nil && ctx.Err() == nil {
		d.log.Warn("queues of an earlier version were not removed", "err", err)
	}
}

// changed reacts to the change of a record, by this or another gateway.
func (d *Dispatcher) changed(before, after *record.Record) {
	if after.Terminal() && before != nil && before.Inputs != nil && before.Inputs.Object != "" {
		d.garbage.Store(true)
	}
	switch {
	case after.State == wire.StateQueued:
		d.wake(after.Environment)
	case !after.Terminal() && !after.Cancel.IsZero() && (before == nil || before.Cancel.IsZero()):
		if s := d.session(after.Server); s != nil {
			s.cancel(after)
		}
	}
}

// made counts a change that this gateway made.
func (d *Dispatcher) made(before, after *record.Record) {
	var was *Execution
	if before != nil {
		was = &before.Execution
	}
	d.cfg.Meter.Changed(was, &after.Execution)
}

// env returns what is known of an Environment. d.mu is held.
func (d *Dispatcher) env(name string) *environment {
	e := d.envs[name]
	if e == nil {
		e = &environment{sessions: map[*Session]struct{}{}}
		d.envs[name] = e
	}
	return e
}

func (d *Dispatcher) session(xid wire.ServerXID) *Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions[xid]
}

// detached returns a context for work that must be finished even if the caller is gone, within ten
// seconds.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}
