package job

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"tcenvsvr/agent/job/internal/proc"
)

// Config is what an Executor needs.
type Config struct {
	Exe    string       // path of tcenvsvr, which is run as "Exe job-shim"; "" = this program
	Runner Runner       // nil = Direct
	Logger *slog.Logger // nil = none
}

// Executor starts jobs and finds them again. It is safe for concurrent use.
type Executor struct {
	exe    string
	runner Runner
	log    *slog.Logger
	pool   *pool

	unlimited sync.Once // is it said that a limit does not hold here

	mu     sync.Mutex
	living map[*Process]bool // whose end nobody was told yet
}

// NewExecutor returns an Executor after it has checked that Exe is there.
func NewExecutor(c Config) (*Executor, error) {
	e := &Executor{exe: c.Exe, runner: c.Runner, log: c.Logger, pool: newPool(), living: map[*Process]bool{}}
	if e.exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding the program of the shim: %w", err)
		}
		e.exe = exe
	}
	if !filepath.IsAbs(e.exe) {
		return nil, fmt.Errorf("finding the program of the shim: %q is not absolute", e.exe)
	}
	if _, err := os.Stat(e.exe); err != nil {
		return nil, fmt.Errorf("finding the program of the shim: %w", err)
	}
	if e.runner == nil {
		e.runner = Direct{}
	}
	_ = proc.BootID() // it is remembered while it can be read
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e, nil
}

// process makes a Process, which counts as living until ended.
func (e *Executor) process(dir string, s Status) *Process {
	p := &Process{e: e, dir: dir, status: s}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.living[p] = true
	return p
}

func (e *Executor) ended(p *Process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.living, p)
}
