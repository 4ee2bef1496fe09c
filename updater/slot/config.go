package slot

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot/state"
)

// Config is what [New] needs.
type Config struct {
	handover.Paths
	Version   string        // of the baseline, which is the program that calls this
	Product   string        // import path of the program's main package
	Owner     int           // id of the user that must own programs and state: 0, or our own without root
	Agent     int           // id of the user that owns the inbox
	Verifier  Verifier      // needed by Apply
	Probation time.Duration // how long a candidate may run without being healthy; 0 = DefaultProbation
	Wait      time.Duration // for the lock; 0 = 10 seconds
	Log       *slog.Logger  // nil = none
}

// Slots is the root side of self-update on one host. Several processes may use it at a time.
type Slots struct {
	cfg Config
	log *slog.Logger
}

// DefaultProbation is how long a candidate may run without being healthy. The unit
// threatconnect-envsvr-bless.service repeats it; a test in package packaging compares them.
const DefaultProbation = 30 * time.Minute

// New returns Slots. It touches nothing on disk.
func New(cfg Config) *Slots {
	cfg.Probation = cmp.Or(cfg.Probation, DefaultProbation)
	cfg.Wait = cmp.Or(cfg.Wait, 10*time.Second)
	s := &Slots{cfg: cfg, log: cfg.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

func (s *Slots) stateFile() string { return filepath.Join(s.cfg.State, "state.json") }

// running is the version that runs when no update is under way.
func (s *Slots) running(st state.State) string {
	if st.Active != nil {
		return st.Active.Version
	}
	return s.cfg.Version
}

// load returns the state. Where the file cannot be used it returns a fresh state and the reason.
func (s *Slots) load() (state.State, error) {
	st, err := state.Load(s.stateFile())
	if errors.Is(err, os.ErrNotExist) {
		return st, nil
	}
	return st, err
}
