package slot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot/state"
)

// Paths are where the parts of self-update lie on a host.
type Paths struct {
	Baseline string // the package's program, which is never written
	Slots    string // has a/bin and b/bin
	State    string // root's own: state.json, lock, audit.jsonl
	Home     string // holds the inbox and is not the agent's
	Inbox    string // the agent's
	Link     string // points at the program to start; "" where the launcher asks Select
	Shim     string // points at the shim of its jobs; "" where no service manager starts those
	Status   string // what the agent may know
	Root     string // root of trust of the update repository
}

// PackagedProgram is the baseline of the RPM.
const PackagedProgram = "/usr/libexec/threatconnect-envsvr/tcenvsvr"

// Packaged are the paths of the RPM.
func Packaged(home string) Paths {
	const run = "/run/threatconnect-envsvr-updater"
	return Paths{
		Baseline: PackagedProgram, Slots: home, State: "/var/lib/threatconnect-envsvr-updater",
		Home: home, Inbox: filepath.Join(home, ".tcenvsvr", "inbox"),
		Link: filepath.Join(run, program), Shim: filepath.Join(run, shim), Status: filepath.Join(run, "status.json"),
		Root: "/usr/share/threatconnect-envsvr/root.json",
	}
}

// Unpackaged are the paths where everything lies below one folder and
// belongs to one user: a tarball, macOS, Windows.
func Unpackaged(home, baseline string) Paths {
	own := filepath.Join(home, "updater")
	p := Paths{
		Baseline: baseline, Slots: filepath.Join(home, "slots"), State: own,
		Home: home, Inbox: filepath.Join(home, ".tcenvsvr", "inbox"),
		Link: filepath.Join(own, "run", program), Status: filepath.Join(own, "run", "status.json"),
		Root: filepath.Join(own, "root.json"), // a program in a slot does not know its baseline
	}
	if runtime.GOOS == "windows" {
		p.Link = "" // links need a privilege there; the launcher starts what Select returns
	}
	return p
}

// Here are the paths of the installation that program is a part of: the
// package's where it is the baseline or in one of the package's slots.
func Here(home, program string) Paths {
	if p := Packaged(home); program == PackagedProgram || p.InSlots(program) {
		return p
	}
	return Unpackaged(home, program)
}

// InSlots reports whether a program came by an update.
func (p Paths) InSlots(program string) bool {
	dir := filepath.Dir(program)
	return dir == filepath.Join(p.Slots, string(state.A), "bin") || dir == filepath.Join(p.Slots, string(state.B), "bin")
}

// Signed is what the repository's targets role signed.
type Signed struct {
	Releases []release.Release // of all platforms
	Revoked  []string          // SHA-256 of programs that must not run any more
}

// Metadata is the agent's folder of signed metadata, read as root may.
type Metadata interface {
	ReadFile(name string, limit int64) ([]byte, error)
}

// Verifier says what the metadata in the inbox signs, by root's own trust,
// cache and floor of versions. What it could not verify it does not return,
// and panics of its libraries are errors. Package verify has the real one.
type Verifier interface {
	Verify(ctx context.Context, from Metadata) (Signed, error)
}

// Config is what Slots need.
type Config struct {
	Paths
	Version   string        // of the baseline, which is the program that runs this
	Product   string        // the import path of the program's main package
	Owner     int           // user that must own programs and state: 0, or ourselves without root
	Agent     int           // user that owns the inbox
	Verifier  Verifier      // needed by Apply
	Probation time.Duration // how long a candidate may run without being healthy; 30 minutes
	Wait      time.Duration // for the lock; 10 seconds
	Log       *slog.Logger  // nil discards
}

const (
	program = "tcenvsvr"
	shim    = "tcenvsvr-shim" // the small program beside it, and the name under which it is its own shim
)

// Slots is the root side of self-update on one host.
type Slots struct {
	cfg Config
	log *slog.Logger
}

// New checks the configuration; nothing on disk is touched.
func New(cfg Config) (*Slots, error) {
	for _, p := range []string{cfg.Baseline, cfg.Slots, cfg.State, cfg.Home, cfg.Inbox, cfg.Status} {
		if !filepath.IsAbs(p) {
			return nil, errors.New("self-update: a path is missing or not absolute")
		}
	}
	cfg.Probation = cmp.Or(cfg.Probation, 30*time.Minute)
	cfg.Wait = cmp.Or(cfg.Wait, 10*time.Second)
	s := &Slots{cfg: cfg, log: cfg.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

func (s *Slots) stateFile() string { return filepath.Join(s.cfg.State, "state.json") }

// path is the program of a slot.
func (s *Slots) path(slot state.Slot) string {
	if slot == state.Baseline {
		return s.cfg.Baseline
	}
	name := program
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(s.cfg.Slots, string(slot), "bin", name)
}

// running is the version that runs when no update is under way.
func (s *Slots) running(st state.State) string {
	if st.Active != nil {
		return st.Active.Version
	}
	return s.cfg.Version
}

// load returns the state; one that cannot be used is a fresh one, and the
// reason.
func (s *Slots) load() (state.State, error) {
	st, err := state.Load(s.stateFile())
	if errors.Is(err, os.ErrNotExist) {
		return st, nil
	}
	return st, err
}
