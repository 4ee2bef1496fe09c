package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/pulse"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/agent/order/journal"
)

// ErrRestart is what [Agent.Run] returns when the agent is to be started again at once (exit code
// 75). Jobs go on meanwhile.
var ErrRestart = errors.New("restart requested")

// Jobs runs Apps under shims.
type Jobs interface {
	order.Jobs
	// Sweep ends processes that are left and belong to no job.
	Sweep(context.Context) (killed int, err error)
}

// Host is what the agent must know about the machine.
type Host interface {
	BootID() string
	// Info returns an Info with the facts about the machine.
	Info(ctx context.Context) wire.Info
	// Room is the free space for jobs, in bytes and in files (inodes).
	Room() (bytes, files uint64, err error)
}

// Config of an Agent. All fields without a stated default are needed.
type Config struct {
	Identity Identity
	Limits   Limits // to begin with
	JobsDir  string // exchange/jobs
	// DiskReserve is the number of free bytes below which no order is taken; default 64 MiB.
	DiskReserve uint64
	// FileReserve is the same for files (inodes); default 256.
	FileReserve uint64
	// Folders are the folders in which an order needs to make files.
	Folders []string
	// Probe makes all that the start of an App needs, including a process; nil = nothing is tried.
	Probe func(context.Context) error

	Journal *journal.Journal
	Apps    order.Apps
	// Archives has what Java Apps start faster with; nil = they start without.
	Archives order.Archives
	Jobs     Jobs
	Cloud    order.Cloud
	Host     Host
	// Execution returns what the App of a session is told: API, proxy, trust, interpreters. It is
	// called anew for each order, so settings may change.
	Execution func(ctx context.Context, session string) (app.Execution, error)
	// OnControl handles controls that are not the agent's own: log level, settings, updates; nil =
	// they are ignored.
	OnControl func(wire.Control)
	// MakeJobDir creates the folders of a job so that the sandbox user can use them.
	MakeJobDir func(dir string) error
	// Sweep removes old job folders, except those for which keep is true; nil = they stay.
	Sweep func(ctx context.Context, olderThan time.Duration, keep func(session string) bool) error
	// Tidy removes at once what only a running job needs; nil = it stays until Sweep.
	Tidy func(session string)
	// ClockTrusted reports whether this host's clock may decide how old folders are; nil = always.
	ClockTrusted func() bool
	// Prune removes old versions of Apps that are not in use; nil = they stay.
	Prune func(inUse func(app.App) bool) error
	// Damages are the installed Apps that were found damaged; nil = they are not looked for.
	Damages func() []app.Damage
	// Guard decides what the host's owner allows; nil = everything.
	Guard *guard.Guard
	// SealKey returns the statement of this server's sealing key for Hello, "" if it has none; nil =
	// it has none.
	SealKey func() string
	Audit   *audit.Log // nil = none
	Logger  *slog.Logger
}

// Identity is what Hello says about this server.
type Identity struct {
	ServerXID   wire.ServerXID
	ServerName  string
	BrokerToken string
	Version     string
	MachineID   string // of the host
	Hostname    string
	OS, Arch    string
}

// Agent runs orders. It is the link's handler.
type Agent struct {
	Config
	link    order.Link
	started time.Time
	group   *errgroup.Group
	// ctx is that of Run, set once before the link runs. It is kept because the link calls its
	// handler without one.
	ctx      context.Context
	stop     context.CancelCauseFunc
	sessions order.Sessions
	slots    *slots
	ends     ends
	tally    tally
	common   order.Config // of all orders; complete from Run on

	lookedForAll chan struct{} // closed when it is known which jobs of the agent before this one run

	mu       sync.Mutex
	limits   Limits
	adjusted chan struct{} // closed and replaced by Adjust
	roomy    room          // after the last sweep
	lost     string        // what is known of orders after the loss of the journal

	wantInfo chan struct{} // the cloud asks for an Info now
	full     chan struct{} // the disk has filled up since the last sweep
	pulse    pulse.Pulse   // of the agent's own loop
	fitness  *fitness.Watch
}

// New returns an agent that waits for [Agent.Run].
func New(c Config) *Agent {
	if c.DiskReserve == 0 {
		c.DiskReserve = 64 << 20
	}
	if c.FileReserve == 0 {
		c.FileReserve = 256
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Agent{
		Config: c, started: time.Now(), limits: c.Limits, adjusted: make(chan struct{}),
		wantInfo: make(chan struct{}, 1), full: make(chan struct{}, 1), lookedForAll: make(chan struct{}),
	}
	a.fitness = fitness.New(fitness.Config{Look: a.look, Probe: a.probe, Changed: a.fitnessChanged})
	a.slots = newSlots(c.Limits.Executors, c.Limits.Services, a.fit)
	a.common = order.Config{
		Agent: a, Sessions: &a.sessions, Journal: c.Journal, Apps: c.Apps, Archives: c.Archives, Jobs: c.Jobs, Cloud: c.Cloud, JobsDir: c.JobsDir,
		Execution: c.Execution, MakeJobDir: c.MakeJobDir, Tidy: c.Tidy, BootID: func() string { return a.Host.BootID() },
		Unfit: a.fitness.Report, Ended: a.tally.add, SweepStrays: a.sweepStrays, Guard: c.Guard, Audit: c.Audit, Logger: c.Logger,
	}
	return a
}

// Run serves orders over l until ctx ends or a restart is asked for ([ErrRestart]). run is the
// link's own loop; it is started when everything from the journal is in place, because Hello tells
// of it.
func (a *Agent) Run(ctx context.Context, l order.Link, run func(context.Context) error) error {
	ctx, a.stop = context.WithCancelCause(ctx)
	defer a.stop(nil)
	a.link, a.common.Link = l, l
	a.group, a.ctx = errgroup.WithContext(ctx)
	a.recover()
	a.group.Go(func() error { return run(a.ctx) })
	a.group.Go(func() error { return a.publishInfo(a.ctx) })
	a.group.Go(func() error { return a.sweep(a.ctx) })
	a.group.Go(func() error { return a.fitness.Run(a.ctx) })
	err := a.group.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, ErrRestart) {
		return ErrRestart
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Restart makes Run return ErrRestart; jobs go on.
func (a *Agent) Restart() { a.stop(ErrRestart) }

// Drain stops taking orders and returns when none occupies a slot and the cloud has their results,
// or when ctx ends. Services go on: they belong to their shims, and the next agent finds them. Without a connection it does not wait for the cloud: results are in the
// journal, and the next agent delivers them.
func (a *Agent) Drain(ctx context.Context) {
	a.setDraining(true)
	look := time.NewTicker(drainLook) // for the connection
	defer look.Stop()
	for {
		connected := a.sessions.Current() != nil
		now := a.slots.load()
		if now.occupied == 0 && (now.unreported == 0 || !connected) {
			return
		}
		select {
		case <-now.changed:
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

const drainLook = time.Second

func (a *Agent) setDraining(on bool) {
	if a.slots.drain(on) {
		a.Logger.Info("draining changed", "draining", on)
		a.grant()
		a.tellInfo() // the cloud recalls what is held here
	}
}

// StartDrain stops taking orders; running ones go on.
func (a *Agent) StartDrain() { a.setDraining(true) }

// Resume takes orders again.
func (a *Agent) Resume() { a.setDraining(false) }

// Release gives back an order's slot; with Remove and Disowned the Agent is an order.Agent.
func (a *Agent) Release(o *order.Order) {
	a.slots.release(o)
	a.grant()
}

// Remove takes an order out of memory and releases it.
func (a *Agent) Remove(o *order.Order) {
	a.Release(o)
	if a.slots.remove(o) {
		a.ends.note(o)
	}
}

// Disowned lets a drain end without the order's result, of which the cloud has no record.
func (a *Agent) Disowned(*order.Order) { a.slots.disowned() }

// grant lets the cloud send as many orders as there are free slots.
func (a *Agent) grant() {
	n, services, s := a.slots.grant(func() *order.Session {
		s := a.sessions.Current()
		if s == nil || a.ctx.Err() != nil { // an agent that stops takes no more
			return nil
		}
		return s
	})
	if n == 0 && services == 0 {
		return
	}
	if err := a.link.SendIn(a.ctx, s.Epoch, &wire.Credit{N: n, Services: services}); err != nil {
		a.Logger.Debug("credit was not sent", "err", err) // the next hello tells it anew
	}
}

// send sends a message in the current session. An error means that the session ends; what matters
// is sent again in the next one.
func (a *Agent) send(m wire.Message) {
	if err := a.link.Send(a.ctx, m); err != nil && a.ctx.Err() == nil {
		a.Logger.Debug("message was not sent", "kind", string(m.Kind()), "err", err)
	}
}
