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
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/metadata"
)

// Wanted is the release that this server should run.
type Wanted struct {
	Version string        // "" = keep the running one
	Wait    time.Duration // it may be installed after this time, not before
	Reason  string        // for people: the rule that chose it
}

// Director says which release this server should run. The cloud is one.
type Director interface {
	Wanted(ctx context.Context) (Wanted, error)
}

// Config of an [Updater]. Report and Logger may be nil.
type Config struct {
	Version  string // of the running program
	OS, Arch string // as GOOS and GOARCH
	Program  string // file of the running program, which deltas start from
	Inbox    string // folder for downloads and requests
	Status   string // file that root writes, see handover.Status

	Metadata metadata.Client  // its Dir is set by New
	Fetch    download.Fetcher // its Dir and Rate are set here
	Director Director
	Policy   func() Policy // asked each time: it may change while we run

	// Restart ends the agent so that the installed release is started. Jobs go on.
	Restart func(reason string)
	// Report records a step for the audit log: update_staged, update_applied, update_refused or
	// update_confirmed.
	Report func(act string, attrs ...slog.Attr)
	Logger *slog.Logger
}

// Updater is the agent's side of self-update. Its methods may be called at the same time.
type Updater struct {
	Config
	wake    chan struct{} // there is something in asked
	healthy chan struct{} // closed when the agent confirmed that it works
	once    sync.Once

	mu    sync.Mutex
	state Progress
	asked request
}

// request is what was asked for since Run looked last. The wake-up channel carries no data, so that
// no request is lost behind another one.
type request struct {
	check   bool
	apply   bool   // check, and do not wait for the window
	version string // that lies in the inbox, put there by hand
}

// Progress is what the agent's side is doing, for people and for the cloud.
type Progress struct {
	Phase    string    `json:"phase"`              // idle, available, downloading, staged, waiting, applying; or one of handover.Phase
	Wanted   string    `json:"wanted,omitempty"`   // version
	Reason   string    `json:"reason,omitempty"`   // of the phase
	Checked  time.Time `json:"checked,omitzero"`   // when the cloud was asked last
	Ended    time.Time `json:"ended,omitzero"`     // when the last check ended, well or not
	Expires  time.Time `json:"expires,omitzero"`   // of the update metadata
	Until    time.Time `json:"until,omitzero"`     // of phase waiting: when it goes on
	Download string    `json:"download,omitempty"` // how the program was fetched: bytes, delta or whole
	Error    string    `json:"error,omitempty"`    // of the last check
}

// New returns an Updater.
func New(c Config) *Updater {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Report == nil {
		c.Report = func(string, ...slog.Attr) {}
	}
	c.Metadata.Dir = handover.MetadataDir(c.Inbox)
	c.Fetch.Dir = c.Inbox
	return &Updater{Config: c, wake: make(chan struct{}, 1), healthy: make(chan struct{}), state: Progress{Phase: "idle"}}
}

// Progress returns a snapshot.
func (u *Updater) Progress() Progress {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state
}

// Check asks the cloud now instead of at the next interval. With apply, a release that is wanted is
// installed at once, whatever the window and the mode notify say.
func (u *Updater) Check(apply bool) {
	u.ask(func(r *request) { r.check, r.apply = true, r.apply || apply })
}

// Import installs a release that somebody put into the inbox together with its metadata.
func (u *Updater) Import(version string) {
	u.ask(func(r *request) { r.version = version })
}

func (u *Updater) ask(add func(*request)) {
	u.mu.Lock()
	add(&u.asked)
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default: // Run is about to look
	}
}

// requested returns what was asked for and forgets it.
func (u *Updater) requested() request {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.asked
	u.asked = request{}
	return r
}

// Healthy records that the agent works: it has had a session with the cloud.
func (u *Updater) Healthy() { u.once.Do(func() { close(u.healthy) }) }

// checkEvery is how often the cloud is asked, give or take a tenth.
const checkEvery = time.Hour

// backoff are the pauses after checks that failed; the last one repeats.
var backoff = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// Run checks for updates and carries them to the restart, until ctx ends. Nothing that goes wrong
// with updates ends the agent.
func (u *Updater) Run(ctx context.Context) error {
	confirmed := make(chan struct{})
	go func() {
		defer close(confirmed)
		u.confirm(ctx)
	}()
	defer func() { <-confirmed }()
	failures := 0
	// The first check is soon, and not at the same moment on every host of a rack that got power
	// back.
	for pause := rand.N(time.Minute); ; {
		var asked request
		select {
		case <-ctx.Done():
			return nil
		case <-u.wake:
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
	if err := u.applyImported(ctx, version); err != nil && ctx.Err() == nil {
		u.Logger.Error("imported release not applied", "version", version, "err", err)
		u.set(func(p *Progress) { p.Error = err.Error() })
	}
}

func (u *Updater) set(change func(*Progress)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.state)
}

// phase records the phase, and logs it where it changed.
func (u *Updater) phase(phase, wanted, reason string) {
	u.mu.Lock()
	changed := u.state.Phase != phase || u.state.Wanted != wanted
	u.state.Phase, u.state.Wanted, u.state.Reason, u.state.Error = phase, wanted, reason, ""
	u.mu.Unlock()
	if changed {
		u.Logger.Info("update phase", "phase", phase, "wanted", wanted, "reason", reason)
	}
}

// root reads the status that root's side wrote. A host on which that never ran has none.
func (u *Updater) root() (handover.Status, error) {
	s, err := handover.ReadStatus(u.Status)
	if err != nil {
		return s, fmt.Errorf("self-update is not set up on this host: %w", err)
	}
	return s, nil
}
