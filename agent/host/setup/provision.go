package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tcenvsvr/agent/host/become"
)

// The users: who the agent is, and whom its Apps run as.
const (
	Agent   = "threatconnect"
	Sandbox = "tc-job"
)

// ErrDeviates means that the host is not as it should be; what was told says how.
var ErrDeviates = errors.New("the host is not set up")

// Finding is one thing that is not as it should be.
type Finding struct {
	Text string `json:"text"`              // what is wrong
	Fix  string `json:"fix,omitempty"`     // what Apply does about it: "created"
	Try  string `json:"try,omitempty"`     // what a person can do where Apply does nothing
	Hand string `json:"by_hand,omitempty"` // what a person could do who wants more than is needed
	do   func(context.Context) error
}

// Note is a Finding that needs nobody: neither Apply nor a person.
func (f Finding) Note() bool { return f.do == nil && f.Try == "" }

// Result is what became of a step.
type Result struct {
	Step     string    `json:"step"`
	Findings []Finding `json:"findings,omitempty"`
	Error    string    `json:"error,omitempty"` // the step could not be looked at or done
	Err      error     `json:"-"`
}

// Host is the machine. The zero value is not useful: Home is required.
type Host struct {
	Home string // /opt/threatconnect-envsvr
	// Packaged says that a package owns the files: Remove leaves them to it.
	Packaged bool
}

// plan looks at the host and says what is to be done.
type plan func(context.Context, *Host) ([]Finding, error)

// step is a row of the table.
type step struct {
	name      string
	set, undo plan
}

// Check tells every step's findings and changes nothing. It returns ErrDeviates if there are any.
func (h *Host) Check(ctx context.Context, tell func(Result)) error {
	if err := h.rooted(); err != nil {
		return err
	}
	return judge(h.each(ctx, true, tell, func(s step) plan { return s.set }))
}

// Apply does what Check finds, one step after the other; dry only says it.
// What it could not do, or only a person can, is an error in the end.
func (h *Host) Apply(ctx context.Context, dry bool, tell func(Result)) error {
	if err := h.rooted(); err != nil {
		return err
	}
	open, err := h.each(ctx, dry, tell, func(s step) plan { return s.set })
	if dry {
		return err
	}
	return judge(open, err)
}

// Users is the first step of Apply alone: a package's files cannot be laid down before it.
func (h *Host) Users(ctx context.Context, dry bool, tell func(Result)) error {
	_, err := h.each(ctx, dry, tell, func(s step) plan {
		if s.name == "users" {
			return s.set
		}
		return nil
	})
	return err // without a judgement: what only a person can do keeps no package from being installed
}

// Remove takes back what Apply did, except users, folders and what others wrote.
func (h *Host) Remove(ctx context.Context, dry bool, tell func(Result)) error {
	_, err := h.each(ctx, dry, tell, func(s step) plan { return s.undo })
	return err
}

// rooted refuses a home that a lesser user could exchange for a link while root sets
// it up. The home itself may be somebody's: it is made root's.
func (h *Host) rooted() error {
	info, err := os.Lstat(h.Home)
	way := h.Home
	if err == nil && info.IsDir() {
		way = filepath.Dir(h.Home)
	}
	u, err := become.Owner(way)
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

// judge adds to err that somebody must see to something.
func judge(open int, err error) error {
	if open > 0 {
		err = errors.Join(err, ErrDeviates)
	}
	return err
}

// each takes the steps that choose has something to do for, and counts
// the findings that are left.
func (h *Host) each(ctx context.Context, dry bool, tell func(Result), choose func(step) plan) (open int, err error) {
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
		r, left := h.take(ctx, look, dry)
		r.Step = s.name
		open += left
		if r.Err != nil {
			r.Error = r.Err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", s.name, r.Err))
		}
		tell(r)
	}
	return open, errors.Join(errs...)
}

// take is one step. It returns how many findings are left that somebody must see to.
func (h *Host) take(ctx context.Context, look plan, dry bool) (r Result, left int) {
	r.Findings, r.Err = look(ctx, h)
	var failed []error
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Note():
		case dry || f.do == nil:
			left++
		default:
			if err := f.do(ctx); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", f.Text, err))
				f.Fix, f.Try = "", "see the error" // it was not done
				left++
			}
		}
	}
	r.Err = errors.Join(append([]error{r.Err}, failed...)...)
	return r, left
}
