package order

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/agent/order/journal"
)

// Agent is what an order tells the agent that runs it.
type Agent interface {
	// Release gives back the order's slot, because its App does not run (any more). Later calls do
	// nothing.
	Release(*Order)
	// Remove takes the order out of the agent's memory and releases it, because nothing of it is
	// left to do.
	Remove(*Order)
	// Disowned is called when the cloud turns out to have no record of the order: nobody need wait
	// until the cloud takes its result.
	Disowned(*Order)
}

// Link is the connection to the cloud. A message that cannot be sent in the current session is
// lost, with an error.
type Link interface {
	// Send sends a message in the current session.
	Send(ctx context.Context, m wire.Message) error
	// SendIn is Send for a message that makes sense only in the session with this epoch.
	SendIn(ctx context.Context, epoch int64, m wire.Message) error
	// SendLast is SendIn behind all logs that were sent before.
	SendLast(ctx context.Context, epoch int64, m wire.Message) error
}

// Apps are the installed Apps.
type Apps interface {
	Lookup(app.Ref) (app.App, bool)
	Manifest(app.Ref) app.Manifest
	Install(context.Context, app.Ref, app.Fetch) (app.App, error)
	// Started is told of each start.
	Started(app.App)
}

// Archives has what was made of Java Apps so that they start faster.
type Archives interface {
	// Equip adds that to an execution of the App in dir.
	Equip(dir string, m app.Manifest, e *app.Execution)
	// Ended is told how a run ended that got classes.
	Ended(dir string, m app.Manifest, classes app.Classes, jobDir string, exit job.Exit)
}

// Jobs runs Apps under shims.
type Jobs interface {
	// StartNoted executes nothing before note has returned nil.
	StartNoted(ctx context.Context, l job.Launch, note func(job.Status) error) (*job.Process, error)
	// StartService is that for the App of a service: build makes the Launch.
	StartService(ctx context.Context, s job.Service, build func(job.Broker) (job.Launch, error), note func(job.Status) error) (*job.Process, error)
	Attach(dir string, known job.Status) (*job.Process, error)
	// Reap ends what a dead shim left behind.
	Reap(ctx context.Context, dir string, known job.Status) error
	// Noted tells a shim that still waits for it that the end of its job is in the journal.
	Noted(ctx context.Context, dir string, shim job.Status) error
}

// Cloud is the HTTPS API.
type Cloud interface {
	Download(ctx context.Context, sha wire.SHA256, offset int64) (io.ReadCloser, error)
	Params(context.Context, wire.Ref) (map[string]string, error)
	Upload(ctx context.Context, ref wire.Ref, name string, r io.ReaderAt, size int64) (wire.SHA256, error)
}

// Config is what all orders of an agent have in common. All fields without a stated default are
// needed.
type Config struct {
	Agent    Agent
	Link     Link
	Sessions *Sessions
	Journal  *journal.Journal
	Apps     Apps
	Archives Archives // nil = Apps start without
	Jobs     Jobs
	Cloud    Cloud
	JobsDir  string // exchange/jobs
	// Execution returns what the App of a session is told: API, proxy, trust, interpreters.
	Execution func(ctx context.Context, session string) (app.Execution, error)
	// MakeJobDir creates the folders of a job so that the sandbox user can use them.
	MakeJobDir func(dir string) error
	// Tidy removes what only a running job needs; nil = it stays until job folders are swept.
	Tidy func(session string)
	// BootID tells one boot of the host from the next.
	BootID func() string
	// Unfit reports what kept the host from starting an App, by its code.
	Unfit func(code string, err error)
	// Ended is told of each result when it is in the journal; nil = nobody wants to know.
	Ended func(*Order, wire.Result)
	// SweepStrays ends processes that belong to no job, after a shim was lost.
	SweepStrays func(context.Context)
	// Guard decides what the host's owner allows; nil = everything.
	Guard  *guard.Guard
	Audit  *audit.Log // nil = none
	Logger *slog.Logger
}

// ended tells of a result.
func (c *Config) ended(o *Order, r wire.Result) {
	c.Guard.Ended(o.ref, r.Outcome, r.Returned)
	if c.Ended != nil {
		c.Ended(o, r)
	}
}

// Forget removes an order from the journal: its result was acknowledged, or none is wanted.
func (c *Config) Forget(ref wire.Ref) {
	c.Guard.Ended(ref, wire.Interrupted, false) // nothing, where its end is noted already
	if err := c.Journal.Forget(ref); err != nil {
		c.Logger.Error("journal does not forget an order", "order", ref.String(), "err", err)
	}
}

// running is the state from which on the App may have been started.
const running = wire.StateRunning

// Order is one attempt at one order on its way through this agent. [Order.Run] or [Order.Resume] is
// its life; all other exported methods are safe for concurrent use with it.
type Order struct {
	c          *Config
	ref        wire.Ref
	spec       wire.Order
	received   time.Time     // monotonic: for durations
	hello      int           // the session in which it came, by the number of its hello
	prepared   time.Duration // from arrival until the App is executed
	shim       job.Status    // who runs the App, once it was started
	ending     ending
	acceptance *acceptance   // nil: the journal has had the order before this agent came to it
	ran        app.App       // what runs, if it was started with classes
	classes    app.Classes   // what its JVM got beside its jars
	audited    bool          // the audit log says that it was accepted
	sealed     []string      // names of the parameters that came sealed
	pass       *guard.Pass   // what the host's owner said of it; nil: nothing
	start      chan struct{} // closed when a held order may start
	acked      chan struct{} // closed when the cloud has the result
	service    *service      // the talk with the App of a service; nil = it is none
	unknown    chan struct{} // wakes the outbox: the cloud has no record of the order

	mu        sync.Mutex
	state     wire.State
	returned  bool // given back: its acknowledgement needs no result in the journal
	unclaimed bool // the cloud has no record of it
	result    *wire.Result
}

// New makes an order that was received in the current session, or is in the journal.
func New(c *Config, spec wire.Order) *Order {
	o := &Order{
		c: c, ref: spec.Ref, spec: spec, received: time.Now(), hello: c.Sessions.hello(), state: wire.StateAccepted,
		ending: ending{done: make(chan struct{})},
		start:  make(chan struct{}), acked: make(chan struct{}), unknown: make(chan struct{}, 1),
	}
	if spec.Runtime.Service() {
		o.service = newService()
	}
	return o
}

// Ref names the order and its attempt.
func (o *Order) Ref() wire.Ref { return o.ref }

// App is the App that the order runs.
func (o *Order) App() wire.AppRef { return o.spec.App }

// Age is the time since the order was received or found in the journal.
func (o *Order) Age() time.Duration { return time.Since(o.received) }

// State is how far the order has come.
func (o *Order) State() wire.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state
}

// Returned reports whether the order was given back to the cloud.
func (o *Order) Returned() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.returned
}

// Unclaimed reports whether the order has a result of which the cloud has no record.
func (o *Order) Unclaimed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unclaimed
}

// Result is the order's result; false before there is one.
func (o *Order) Result() (r wire.Result, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.result == nil {
		return r, false
	}
	return *o.result, true
}

func (o *Order) setRunning() {
	o.mu.Lock()
	o.state = running
	o.mu.Unlock()
}

func (o *Order) dir() string     { return filepath.Join(o.c.JobsDir, o.session()) }
func (o *Order) session() string { return o.ref.String() }

// RefOf is the order to which a session (the name of a job's folder) belongs; false if it is not
// the name of any.
func RefOf(session string) (wire.Ref, bool) {
	order, attempt := session, ""
	if i := strings.LastIndexByte(session, '.'); i >= 0 {
		order, attempt = session[:i], session[i+1:]
	}
	n, err := strconv.Atoi(attempt)
	return wire.Ref{Order: wire.OrderID(order), Attempt: wire.Attempt(n)}, err == nil
}

// send sends a message in the current session. An error means that the session ends; what matters
// is sent again in the next one.
func (o *Order) send(ctx context.Context, m wire.Message) {
	if err := o.c.Link.Send(ctx, m); err != nil && ctx.Err() == nil {
		o.c.Logger.Debug("message was not sent", "kind", string(m.Kind()), "err", err)
	}
}

func (o *Order) progress(ctx context.Context, s wire.State) {
	o.send(ctx, &wire.Progress{Ref: o.ref, State: s, SinceOrderUS: time.Since(o.received).Microseconds()})
}
