package job

import (
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/job/internal/spec"
)

// Attach finds the job that an earlier agent started in dir: the one with the Status known, or, if
// known is zero, the one in the folder's own record. An error that is not [ErrNotRunning] means
// that it cannot be known yet whether the job runs.
func (e *Executor) Attach(dir string, known Status) (*Process, error) {
	s, err := known, known.Belongs(dir)
	if known.ShimPID == 0 {
		s, err = spec.ReadStatus(dir)
	}
	switch {
	case errors.Is(err, spec.ErrCopied), errors.Is(err, os.ErrNotExist),
		errors.Is(err, spec.ErrCorrupt): // the App did that; its shim may live, but who it is cannot be known
		return nil, fmt.Errorf("attaching to %q: %w: %w", dir, ErrNotRunning, err)
	case err != nil:
		return nil, fmt.Errorf("attaching to %q: %w", dir, err)
	}
	p := e.process(dir, s)
	if !p.alive() {
		e.ended(p)
		return nil, fmt.Errorf("attaching to %q: %w", dir, ErrNotRunning)
	}
	return p, nil
}
