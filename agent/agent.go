package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/journal"
	"tcenvsvr/agent/link/pulse"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
)

// ErrRestart is what Run returns when the agent is to be started again at
// once (exit code 75). Jobs go on meanwhile.
var ErrRestart = errors.New("restart requested")

// Link is the connection to the cloud. A message that cannot be sent in
// the current session is lost, with an error.
type Link interface {
	Send(ctx context.Context, m wire.Message) error
	// SendIn is Send for what makes sense in one session only.
	SendIn(ctx context.Context, epoch int64, m wire.Message) error
	// SendLast is SendIn behind all logs that were sent before.
	SendLast(ctx context.Context, epoch int64, m wire.Message) error
}

// Apps are the installed Apps.
type Apps interface {
	Lookup(app.Ref) (app.App, bool)
	Manifest(app.Ref) app.Manifest
	Install(context.Context, app.Ref, app.Fetch) (app.App, error)
}

// Jobs runs Apps under shims.
type Jobs interface {
	// StartNoted starts nothing before note has returned nil.
	StartNoted(ctx context.Context, l job.Launch, note func(job.Status) error) (*job.Process, error)
	Attach(dir string, known job.Status) (*job.Process, error)
	// Reap ends what a dead shim left behind.
	Reap(ctx context.Context, dir string, known job.Status) error
	// Noted tells a shim, should it still wait for that, that the end of its job is in the journal.
	Noted(ctx context.Context, dir string, shim job.Status) error
	// Sweep ends what is left and belongs to no job.
	Sweep(context.Context) (killed int, err error)
}

// Cloud is the HTTPS API.
type Cloud interface {
	Download(ctx context.Context, sha wire.SHA256, offset int64) (io.ReadCloser, error)
	Params(context.Context, wire.Ref) (map[string]string, error)
	Upload(ctx context.Context, ref wire.Ref, name string, r io.ReaderAt, size int64) (wire.SHA256, error)
}

// Host says what the agent must know about the machine.
type Host interface {
	BootID() string
	// Info fills the machine's part of an Info.
	Info(ctx context.Context) wire.Info
	// Room is the space for jobs, in bytes and in files.
	Room() (bytes, files uint64, err error)
}

// Config of an Agent. All fields without a stated default are needed.
type Config struct {
	Identity Identity
	Limits   Limits // to begin with
	JobsDir  string // exchange/jobs
	// DiskReserve: below so many free bytes no order is taken; default 64 MiB.
	DiskReserve uint64
	// FileReserve: the same for files (inodes); default 256.
	FileReserve uint64
	// Folders are where files must be made for an order to run.
	Folders []string
	// Probe makes all that the start of an App needs, a process as well; nil = nothing is tried.
	Probe func(context.Context) error

	Journal *journal.Journal
	Apps    Apps
	Jobs    Jobs
	Cloud   Cloud
	Host    Host
	// Execution returns what the App of a session gets told: API, proxy, trust,
	// interpreters. It is asked anew for each order, so settings may change.
	Execution func(ctx context.Context, session string) (app.Execution, error)
	// OnControl handles what is not the agent's own: log level, settings, updates.
	OnControl func(wire.Control)
	// MakeJobDir creates the folders of a session so that the sandbox user can use them.
	MakeJobDir func(dir string) error
	// Sweep removes old job folders; keep says which must stay.
	Sweep func(ctx context.Context, olderThan time.Duration, keep func(session string) bool) error
	// Tidy removes at once what only a running job needs; nil = Sweep comes to it.
	Tidy func(session string)
	// ClockTrusted reports whether this host's clock may judge the age of folders; nil = always.
	ClockTrusted func() bool
	// Prune removes old versions of Apps that no order uses.
	Prune func(inUse func(app.App) bool) error
	// Damages are installed Apps that were found to be damaged; nil = nobody looks.
	Damages func() []app.Damage
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
	link    Link
	started time.Time
	group   *errgroup.Group
	ctx     context.Context // of Run: the orders' parent, set once before the link runs
	stop    context.CancelCauseFunc
	session sessions

	// joining orders Hello against Accept: what came in an older session is
	// journaled before the next hello is made, or not at all.
	joining sync.RWMutex
	hellos  int // so many were made

	lookedForAll chan struct{} // closed when it is known which jobs of the agent before us run

	mu       sync.Mutex
	orders   map[wire.Ref]*order // in flight and unreported
	active   int                 // orders that occupy a slot
	credit   int                 // orders the cloud may still send in this session
	limits   Limits
	adjusted chan struct{} // closed and replaced by Adjust
	wantInfo chan struct{} // the cloud asks for an Info now
	full     chan struct{} // the disk has filled up since the last sweep
	roomy    room          // after that sweep; guarded by mu
	draining bool
	ended    chan struct{} // closed and replaced whenever an order gives its slot back or is gone
	pulse    pulse.Pulse   // of the agent's own loop

	fitness *fitness.Watch
}

// New returns an agent that waits for Run.
func New(c Config) (*Agent, error) {
	if n := c.Limits.Executors; n < 1 || n > wire.MaxSlots {
		return nil, fmt.Errorf("reading appsNumberofJobExecutors %d: want 1–%d", n, wire.MaxSlots)
	}
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
		Config: c, started: time.Now(), orders: map[wire.Ref]*order{}, ended: make(chan struct{}),
		limits: c.Limits, adjusted: make(chan struct{}), wantInfo: make(chan struct{}, 1), full: make(chan struct{}, 1),
		lookedForAll: make(chan struct{}),
	}
	a.fitness = fitness.New(fitness.Config{Look: a.look, Probe: a.probe, Changed: a.fitnessChanged})
	return a, nil
}

// Run serves orders over l until ctx ends or a restart is asked for
// (ErrRestart). run is the link's own loop; it is started when everything
// from the journal is in place, because Hello tells of it.
func (a *Agent) Run(ctx context.Context, l Link, run func(context.Context) error) error {
	ctx, a.stop = context.WithCancelCause(ctx)
	defer a.stop(nil)
	a.link = l
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

// Drain stops taking orders and returns when none occupies a slot and the
// cloud has their results, or ctx ends. Without a connection it does not wait for the
// cloud: results are in the journal, and the next agent delivers them.
func (a *Agent) Drain(ctx context.Context) {
	a.setDraining(true)
	look := time.NewTicker(drainLook) // for the connection
	defer look.Stop()
	for {
		connected := a.session.current() != nil
		a.mu.Lock()
		active, reporting, ended := a.active, a.reporting(), a.ended
		a.mu.Unlock()
		if active == 0 && (reporting == 0 || !connected) {
			return
		}
		select {
		case <-ended:
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

const drainLook = time.Second

// reporting counts the orders whose end the cloud still has to be told, and
// will take. a.mu is held.
func (a *Agent) reporting() int {
	n := 0
	for _, o := range a.orders {
		if !o.unclaimed {
			n++
		}
	}
	return n
}

func (a *Agent) setDraining(on bool) {
	a.mu.Lock()
	changed := a.draining != on
	a.draining = on
	a.mu.Unlock()
	if changed {
		a.Logger.Info("draining changed", "draining", on)
		a.grant()
	}
}

// take makes an order occupy a slot and spends its credit, both at once:
// in between, a grant would count the slot as free and the credit as spent. It fails
// with the reason why not.
func (a *Agent) take(o *order) (wire.Reason, bool) {
	unfit := a.fitness.Problem() != nil
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credit = max(0, a.credit-1)
	switch {
	case unfit:
		return wire.ReasonUnfit, false
	case a.draining:
		return wire.ReasonDraining, false
	case a.active >= a.limits.Executors:
		return wire.ReasonNoCredit, false
	}
	a.orders[o.ref] = o
	o.slot = true
	a.active++
	return "", true
}

// release gives the slot of an order back.
func (a *Agent) release(o *order) {
	a.mu.Lock()
	if o.slot {
		o.slot = false
		a.active--
		a.tellEnded()
	}
	a.mu.Unlock()
	a.grant()
}

// drop removes an order from memory.
func (a *Agent) drop(o *order) {
	a.release(o)
	a.mu.Lock()
	if a.orders[o.ref] == o {
		delete(a.orders, o.ref)
		a.tellEnded()
	}
	a.mu.Unlock()
}

// tellEnded wakes a drain. a.mu is held.
func (a *Agent) tellEnded() {
	close(a.ended)
	a.ended = make(chan struct{})
}

func (a *Agent) find(ref wire.Ref) *order {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.orders[ref]
}

// free is the number of orders the agent would take now. a.mu is held.
func (a *Agent) free() int {
	if a.draining || a.fitness.Problem() != nil {
		return 0
	}
	return max(0, a.limits.Executors-a.active)
}

// grant lets the cloud send as many orders as there are free slots.
func (a *Agent) grant() {
	a.mu.Lock()
	n := a.free() - a.credit
	s := a.session.current()
	if n <= 0 || s == nil || a.ctx.Err() != nil { // an agent that stops takes no more
		a.mu.Unlock()
		return
	}
	a.credit += n
	a.mu.Unlock()
	if err := a.link.SendIn(a.ctx, s.epoch, &wire.Credit{N: n}); err != nil {
		a.Logger.Debug("credit was not sent", "err", err) // the next hello says it anew
	}
}

// send says something in the current session. An error means that the
// session ends; what matters is said again in the next.
func (a *Agent) send(m wire.Message) {
	if err := a.link.Send(a.ctx, m); err != nil && a.ctx.Err() == nil {
		a.Logger.Debug("message was not sent", "kind", string(m.Kind()), "err", err)
	}
}

// StartDrain stops taking orders; running ones go on.
func (a *Agent) StartDrain() { a.setDraining(true) }

// Resume takes orders again.
func (a *Agent) Resume() { a.setDraining(false) }
