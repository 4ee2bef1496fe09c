package templates

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/job"
)

const (
	// learnAt and warmAt are the run of an App, within window, that leaves its list of modules and
	// that starts its template. A template costs about one cold start and then its memory: an App that
	// ran three times within an hour is one that runs again, by a schedule or by a playbook.
	learnAt = 2
	warmAt  = 3
	window  = time.Hour
	// giveUpFor is how long an App whose template was unfit, or failed, starts cold.
	giveUpFor = 10 * time.Minute
	// failures in a row by which a template is given up.
	maxFailures = 3
	// busyFor is how long a template that was used is not stopped to make room for another: two Apps
	// for only one of which there is room would otherwise import all the time.
	busyFor = time.Minute
	// maxApps bounds what is remembered.
	maxApps = 1000
)

// Jobs is what starts Apps and templates.
type Jobs interface {
	StartNoted(ctx context.Context, l job.Launch, note func(job.Status) error) (*job.Process, error)
	StartTemplate(ctx context.Context, l job.Launch, p job.Program) (*job.Process, error)
	Attach(dir string, known job.Status) (*job.Process, error)
}

// Config is what a Keeper needs.
type Config struct {
	Jobs    Jobs
	Dir     string // exchange/jobs, in which each template has a folder
	MakeDir func(dir string) error
	Remove  func(ctx context.Context, session string) error // removes a folder in Dir
	Learned string                                          // the folder of the lists of modules
	// Megabytes is how much memory all templates together may take; 0 = none are made.
	Megabytes func() int
	Logger    *slog.Logger
}

// Keeper keeps templates. It is safe for concurrent use.
type Keeper struct {
	Config
	begin  chan *kept // templates to be started, one at a time
	ending sync.WaitGroup

	mu       sync.Mutex
	apps     map[string]*kept // by key
	learning map[string]*kept // by the folder of the job that leaves a list
	folders  map[string]bool  // sessions in Dir that are templates'
	closed   bool             // the agent stops
	served   int              // Apps that templates have started
}

// kept is what is known of an App that runs here.
type kept struct {
	key         string
	program     job.Program
	interpreter string
	launch      job.Launch  // of a template
	limits      job.Limits  // the widest that a run had
	runs        []time.Time // within window, the last warmAt
	used        time.Time
	modules     []job.Module
	learned     bool // modules are known
	learning    bool
	starting    bool
	template    *template // nil if there is none
	proven      bool      // the last one was of use: the next run starts another
	failed      int       // orders in a row
	reason      string    // why there is no template
	until       time.Time // none is made until then
}

// template is one that runs, or starts.
type template struct {
	process *job.Process
	session string
	stop    context.CancelFunc // no more orders
	kb      int64
	served  int
}

// New returns a Keeper after it has seen to the templates of the agent before it, which take no more
// orders.
func New(c Config) *Keeper {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{Config: c, begin: make(chan *kept, 1), apps: map[string]*kept{}, learning: map[string]*kept{}, folders: map[string]bool{}}
	k.inherit()
	return k
}

// StartNoted starts an App as [job.Executor.StartNoted] does: by a template, if there is one.
func (k *Keeper) StartNoted(ctx context.Context, l job.Launch, note func(job.Status) error) (*job.Process, error) {
	a := k.arrive(&l)
	p, err := k.Jobs.StartNoted(ctx, l, note)
	if a != nil {
		k.started(a, l, p, err)
	}
	return p, err
}

// arrive counts a run and says in l how it is to start.
func (k *Keeper) arrive(l *job.Launch) *kept {
	if l.Program == nil || k.Megabytes() == 0 {
		return nil
	}
	key := keyOf(l)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	now := time.Now()
	a := k.apps[key]
	if a == nil {
		k.forget()
		a = &kept{key: key, program: *l.Program, interpreter: l.Argv[0]}
		a.modules, a.learned = k.recall(a.program.App, a.interpreter)
		k.apps[key] = a
		k.renew(a)
	}
	a.used = now
	if len(a.runs) == 0 {
		a.limits = l.Limits
	}
	a.limits = widest(a.limits, l.Limits)
	if a.runs = append(a.runs, now); len(a.runs) > warmAt {
		a.runs = a.runs[1:]
	}
	often := 0
	for _, t := range a.runs {
		if now.Sub(t) < window {
			often++
		}
	}
	switch {
	case a.template != nil:
		l.Warm = a.template.process.Warm()
	case now.Before(a.until):
	case !a.learned:
		if often >= learnAt && !a.learning && learn(l) == nil {
			a.learning = true
			k.learning[l.Dir] = a
		}
	case (often >= warmAt || a.proven) && !a.starting:
		a.launch = templateOf(l, a.limits)
		select {
		case k.begin <- a:
			a.starting = true
		default: // another one is started
		}
	}
	return a
}

// started notes how a run started.
func (k *Keeper) started(a *kept, l job.Launch, p *job.Process, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil:
		if k.learning[l.Dir] == a {
			delete(k.learning, l.Dir)
			a.learning = false
		}
	case l.Warm == nil || a.template == nil || l.Warm.Dir != a.template.process.Dir():
	case p.Status().Warm:
		a.template.served++
		k.served++
		a.failed, a.proven = 0, true
	default:
		a.failed++
		k.Logger.Debug("a template did not start its App", "app", a.program.App, "err", p.Status().Cold)
		if a.failed >= maxFailures {
			k.giveUp(a, p.Status().Cold)
		}
	}
}

// Ended reads what the run in dir has left for its template. It is called for each job that has
// ended, before its folder is tidied.
func (k *Keeper) Ended(dir string) {
	k.mu.Lock()
	a := k.learning[dir]
	delete(k.learning, dir)
	k.mu.Unlock()
	if a == nil {
		return
	}
	modules, err := readList(dir, a.program.App)
	k.mu.Lock()
	defer k.mu.Unlock()
	a.learning = false
	switch {
	case err != nil:
		k.Logger.Warn("a list of modules cannot be read", "app", a.program.App, "err", err)
	case len(modules) == 0:
		a.reason, a.until = "it imports nothing that it bundles, or ended too early to say", time.Now().Add(giveUpFor)
	default:
		a.modules, a.learned, a.reason = modules, true, ""
		if err := k.remember(a.program.App, a.interpreter, modules); err != nil {
			k.Logger.Warn("a list of modules is not kept", "app", a.program.App, "err", err)
		}
	}
}

// keyOf names what a template of l depends on: an App's version, an interpreter, what Apps trust, and limits
// that a fork has of its template. Limits of a control group are not among them: each fork has its own.
func keyOf(l *job.Launch) string {
	var b strings.Builder
	mark := func(path string) {
		fmt.Fprintf(&b, "%s\x00", path)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			fmt.Fprintf(&b, "%d %d\x00", info.ModTime().UnixNano(), info.Size())
		}
	}
	mark(filepath.Join(l.Program.App, "install.json"))
	mark(l.Argv[0])
	for _, v := range l.Program.Env {
		b.WriteString(v)
		b.WriteByte(0)
		if _, path, _ := strings.Cut(v, "="); filepath.IsAbs(path) && !strings.Contains(path, ":") {
			mark(path)
		}
	}
	fmt.Fprintf(&b, "%q %s %d %d %d", l.Program.Target, l.Isolation.Level, l.Limits.OpenFiles, l.Limits.Processes, l.Limits.FileSize)
	return b.String()
}

// widest is l with those limits of a control group that were wider before: an App whose orders have different
// limits has one template, which must have room for what it imports and for the forks of all of them.
func widest(before, l job.Limits) job.Limits {
	wider := func(own *uint64, before uint64) {
		if before == 0 || before > *own && *own != 0 { // 0 is no limit
			*own = before
		}
	}
	wider(&l.Memory, before.Memory)
	wider(&l.Tasks, before.Tasks)
	wider(&l.CPUWeight, before.CPUWeight)
	return l
}

// forget makes room for one more App. k is locked.
func (k *Keeper) forget() {
	for len(k.apps) >= maxApps {
		var oldest *kept
		for _, a := range k.apps {
			if a.template == nil && !a.starting && (oldest == nil || a.used.Before(oldest.used)) {
				oldest = a
			}
		}
		if oldest == nil {
			return
		}
		delete(k.apps, oldest.key)
	}
}

// renew stops what is there of the same App by older CAs or an older interpreter. k is locked.
func (k *Keeper) renew(a *kept) {
	for key, other := range k.apps {
		if other != a && other.program.App == a.program.App {
			a.runs, a.limits, a.proven = append(a.runs, other.runs...), other.limits, other.proven
			k.stop(other)
			delete(k.apps, key)
		}
	}
}

// giveUp starts a's App cold for some time. k is locked.
func (k *Keeper) giveUp(a *kept, reason string) {
	a.reason, a.until, a.failed = reason, time.Now().Add(giveUpFor), 0
	k.Logger.Info("an App starts cold: its template is given up", "app", a.program.App, "err", reason)
	k.stop(a)
}

// stop gives a's template no more orders; it ends with its last one. k is locked.
func (k *Keeper) stop(a *kept) {
	if a.template != nil {
		a.template.stop()
		a.template = nil
	}
}
