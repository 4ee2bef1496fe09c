package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/agent/host/setup/plan"
)

// ErrDeviates means that the host is not as it should be. The findings say how.
var ErrDeviates = errors.New("the host is not set up")

// Result is the result of one step.
type Result struct {
	Step     string         `json:"step"`
	Findings []plan.Finding `json:"findings,omitempty"`
	Error    string         `json:"error,omitempty"` // why the step could not look, or not do what it found
	Err      error          `json:"-"`
}

// Host is the machine. The zero value is not useful: Home is required.
type Host struct {
	Home string // /opt/threatconnect-envsvr
	// Packaged says that a package owns the files: Remove leaves them to it.
	Packaged bool
}

// A look examines the host and returns what is to be done. It changes nothing.
type look func(context.Context, *Host) ([]plan.Finding, error)

// step is a row of the table: what it looks for to set the host up, and to undo that.
type step struct {
	name      string
	set, undo look
}

// Check reports the result of each step and changes nothing. It returns [ErrDeviates] where
// somebody has to do something about a finding.
func (h *Host) Check(ctx context.Context, report func(Result)) error {
	if err := h.checkParents(); err != nil {
		return err
	}
	return deviation(h.run(ctx, true, report, func(s step) look { return s.set }))
}

// Apply does what [Host.Check] finds, step by step, and reports it; with dry it only reports it.
// The error joins those of all steps, and [ErrDeviates] where something is left to be done.
func (h *Host) Apply(ctx context.Context, dry bool, report func(Result)) error {
	if err := h.checkParents(); err != nil {
		return err
	}
	left, err := h.run(ctx, dry, report, func(s step) look { return s.set })
	if dry {
		return err
	}
	return deviation(left, err)
}

// Users is the first step of [Host.Apply] alone: it makes the users, without whom no file of the
// package can be installed. It is no error where only a person can do something about a finding.
func (h *Host) Users(ctx context.Context, dry bool, report func(Result)) error {
	_, err := h.run(ctx, dry, report, func(s step) look {
		if s.name == "users" {
			return s.set
		}
		return nil
	})
	return err
}

// Remove undoes what [Host.Apply] did, except for users, folders, and what others wrote.
func (h *Host) Remove(ctx context.Context, dry bool, report func(Result)) error {
	_, err := h.run(ctx, dry, report, func(s step) look { return s.undo })
	return err
}

// checkParents refuses a home that a lesser user could exchange for a link while root sets it up.
// Home itself may belong to anybody: the setup makes it root's.
func (h *Host) checkParents() error {
	info, err := os.Lstat(h.Home)
	path := h.Home
	if err == nil && info.IsDir() {
		path = filepath.Dir(h.Home)
	}
	u, err := become.Owner(path)
	if errors.Is(err, become.ErrOpen) { // a group that may write /opt is the administrators' own choice
		return nil
	}
	if err == nil && u != nil {
		err = fmt.Errorf("user %q could put another folder in the place of %q\nhint: give a --home whose parents are root's", u.Name, h.Home)
	}
	if err != nil {
		return fmt.Errorf("setting up the host: %w", err)
	}
	return nil
}

// deviation adds ErrDeviates to err where findings are left.
func deviation(left int, err error) error {
	if left > 0 {
		err = errors.Join(err, ErrDeviates)
	}
	return err
}

// run does the steps for which choose returns a look, and counts the findings that are left. A step
// that fails does not keep the others from being done.
func (h *Host) run(ctx context.Context, dry bool, report func(Result), choose func(step) look) (left int, err error) {
	if len(steps) == 0 {
		return 0, fmt.Errorf("setting up the host: %w", errors.ErrUnsupported)
	}
	if !dry && os.Geteuid() != 0 {
		return 0, fmt.Errorf("setting up the host: %w\nhint: run it as root", os.ErrPermission)
	}
	var errs []error
	for _, s := range steps {
		look := choose(s)
		if look == nil {
			continue
		}
		r, n := h.runStep(ctx, look, dry)
		r.Step = s.name
		left += n
		if r.Err != nil {
			r.Error = r.Err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", s.name, r.Err))
		}
		report(r)
	}
	return left, errors.Join(errs...)
}

// runStep looks, and unless dry does what it finds. It returns how many findings are left for
// somebody to do.
func (h *Host) runStep(ctx context.Context, look look, dry bool) (r Result, left int) {
	r.Findings, r.Err = look(ctx, h)
	var failed []error
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Note():
		case dry || f.Do == nil:
			left++
		default:
			if err := f.Do(ctx); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", f.Text, err))
				f.Fix, f.Try = "", "see the error" // it was not done
				left++
			}
		}
	}
	r.Err = errors.Join(append([]error{r.Err}, failed...)...)
	return r, left
}
