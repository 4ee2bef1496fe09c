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
func (e *Executor) Attach(dir string, known Status) (p *Process, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("attaching to %q: %w", dir, err)
		}
	}()
	s, err := known, known.Belongs(dir)
	if known.ShimPID == 0 {
		s, err = spec.ReadStatus(dir)
	}
	switch {
	case errors.Is(err, spec.ErrCopied), errors.Is(err, os.ErrNotExist),
		errors.Is(err, spec.ErrCorrupt): // the App did that; its shim may live, but who it is cannot be known
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	case err != nil:
		return nil, err
	}
	if p = e.process(dir, s); !p.alive() {
		e.ended(p)
		return nil, ErrNotRunning
	}
	return p, nil
}
