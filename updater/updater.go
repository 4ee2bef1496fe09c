package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"tcenvsvr/updater/download"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/slot"
)

// Wanted is what the cloud says this server should run.
type Wanted struct {
	Version string        // "" = stay with what runs
	Wait    time.Duration // not before so long from now
	Reason  string        // for people: which rule chose it
}

// Director says which release is wanted; the cloud does.
type Director interface {
	Wanted(ctx context.Context) (Wanted, error)
}

// Config of an Updater; Report and Logger may be nil.
type Config struct {
	Version  string // that runs
	OS, Arch string // as GOOS and GOARCH
	Program  string // file of the program that runs, which deltas start from
	Inbox    string // folder for downloads and requests
	Status   string // file in which root's side says how it stands

	Metadata metadata.Client  // its Dir is set by New
	Fetch    download.Fetcher // its Dir and Rate are set here
	Director Director
	Policy   func() Policy // asked each time: it may change while we run

	// Restart ends the agent so that what was applied is started; jobs go on.
	Restart func(reason string)
	// Report records a step that security people want to see.
	Report func(act string, attrs ...slog.Attr)
	Logger *slog.Logger
}

// Updater is the agent's side of self-update.
type Updater struct {
	Config
	poke    chan struct{} // there is something in asked
	healthy chan struct{} // closed when the agent proved that it works
	once    sync.Once

	mu    sync.Mutex
	state Progress
	asked request
}

// request is what has been asked for since Run looked the last time. The
// wake-up itself carries nothing, so none is lost behind another.
type request struct {
	check   bool
	apply   bool   // check, and do not wait for the window
	version string // that lies in the inbox, put there by hand
}

// Progress is how the agent's side stands.
type Progress struct {
	Phase    string    `json:"phase"`              // idle, available, downloading, staged, waiting, applying, or of root's side
	Wanted   string    `json:"wanted,omitempty"`   // version
	Reason   string    `json:"reason,omitempty"`   // of the phase
	Checked  time.Time `json:"checked,omitzero"`   // when the cloud was asked last
	Ended    time.Time `json:"ended,omitzero"`     // when the last check ended, however
	Expires  time.Time `json:"expires,omitzero"`   // of the update metadata
	Until    time.Time `json:"until,omitzero"`     // when it goes on, for waiting
	Download string    `json:"download,omitempty"` // how the program was fetched: bytes, delta or whole
	Error    string    `json:"error,omitempty"`    // of the last check
}

// New checks the configuration.
func New(c Config) (*Updater, error) {
	if c.Inbox == "" || c.Status == "" || c.Director == nil || c.Policy == nil || c.Restart == nil {
		return nil, errors.New("self-update: the configuration is not complete")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Report == nil {
		c.Report = func(string, ...slog.Attr) {}
	}
	c.Metadata.Dir = c.metadataDir()
	c.Fetch.Dir = c.Inbox
	return &Updater{Config: c, poke: make(chan struct{}, 1), healthy: make(chan struct{}), state: Progress{Phase: "idle"}}, nil
}

// Progress is a snapshot.
func (u *Updater) Progress() Progress {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state
}

// Check asks the cloud now instead of later; with apply, a window is not waited for.
func (u *Updater) Check(apply bool) {
	u.ask(func(r *request) { r.check, r.apply = true, r.apply || apply })
}

// Import applies a release that somebody put into the inbox, with its metadata.
func (u *Updater) Import(version string) {
	u.ask(func(r *request) { r.version = version })
}

func (u *Updater) ask(add func(*request)) {
	u.mu.Lock()
	add(&u.asked)
	u.mu.Unlock()
	select {
	case u.poke <- struct{}{}:
	default: // Run is about to look
	}
}

// requested returns what was asked for, once.
func (u *Updater) requested() request {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.asked
	u.asked = request{}
	return r
}

// Healthy says that the agent works: it has had a session with the cloud.
func (u *Updater) Healthy() { u.once.Do(func() { close(u.healthy) }) }

// checkEvery is how often the cloud is asked without a reason.
const checkEvery = time.Hour

// backoff are the pauses after checks that failed; the last one repeats.
var backoff = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// Run checks for updates and carries them to the restart, until ctx ends.
// Nothing that goes wrong with updates ends the agent.
func (u *Updater) Run(ctx context.Context) error {
	proved := make(chan struct{})
	go func() {
		defer close(proved)
		u.prove(ctx)
	}()
	defer func() { <-proved }()
	failures := 0
	// The first check is soon, and not at the same moment on every host of a rack that got power back.
	for pause := rand.N(time.Minute); ; {
		var asked request
		select {
		case <-ctx.Done():
			return nil
		case <-u.poke:
			asked = u.requested()
			if asked.version != "" {
				u.imported(ctx, asked.version)
			}
			if !asked.check {
				continue
			}
		case <-time.After(pause):
		}
		pause = checkEvery - checkEvery/10 + rand.N(checkEvery/5)
		next, err := u.check(ctx, asked.apply)
		if ctx.Err() != nil {
			return nil
		}
		u.set(func(p *Progress) {
			p.Ended = time.Now()
			if err != nil {
				p.Error = err.Error()
			}
		})
		if err != nil {
			pause = backoff[min(failures, len(backoff)-1)]
			if busy, ok := errors.AsType[*metadata.BusyError](err); ok {
				pause = max(pause, busy.After)
			}
			failures++
			u.Logger.Warn("update check failed", "err", err, "next_in", pause.String())
			continue
		}
		failures = 0
		pause = cmp.Or(next, pause)
	}
}

func (u *Updater) imported(ctx context.Context, version string) {
	if err := u.take(ctx, version); err != nil && ctx.Err() == nil {
		u.Logger.Error("imported release not applied", "version", version, "err", err)
		u.set(func(p *Progress) { p.Error = err.Error() })
	}
}

func (u *Updater) set(change func(*Progress)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.state)
}

// phase records where we are, and logs it where it is news.
func (u *Updater) phase(phase, wanted, reason string) {
	u.mu.Lock()
	news := u.state.Phase != phase || u.state.Wanted != wanted
	u.state.Phase, u.state.Wanted, u.state.Reason, u.state.Error = phase, wanted, reason, ""
	u.mu.Unlock()
	if news {
		u.Logger.Info("update phase", "phase", phase, "wanted", wanted, "reason", reason)
	}
}

// root reads how root's side stands. A host on which it never ran has no file.
func (u *Updater) root() (slot.Status, error) {
	s, err := slot.ReadStatus(u.Status)
	if err != nil {
		return s, fmt.Errorf("self-update is not set up on this host: %w", err)
	}
	return s, nil
}
