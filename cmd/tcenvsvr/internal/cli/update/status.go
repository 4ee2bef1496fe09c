package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
	"tcenvsvr/updater"
	"tcenvsvr/updater/handover"
)

// Status is the answer of "tcenvsvr update status --json".
type Status struct {
	Program string            `json:"program"`         // version of the program that answers
	Root    *handover.Status  `json:"root,omitempty"`  // root's side; nil where it has not run yet
	Agent   *updater.Progress `json:"agent,omitempty"` // the agent's; nil where it does not run
}

func statusCommand(e *env.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "show versions, and how an update stands", Args: cli.Exactly(0, "no arguments"),
		Long: `Status shows which versions are on this host, which one runs, which one is wanted,
and what keeps it from being installed.

  tcenvsvr update status
  tcenvsvr update status --json`,
	}
	cli.JSONVar(c, &asJSON)
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := readStatus(c.Context(), e)
		if err != nil {
			return err
		}
		if asJSON {
			return cli.PrintJSON(e.Stdout, s)
		}
		return s.print(e.Stdout)
	}
	return c
}

// readStatus asks root's side and the agent. A side that is not there is left out.
func readStatus(ctx context.Context, e *env.Env) (Status, error) {
	s := Status{Program: build.Version()}
	p, err := e.Paths()
	if err != nil {
		return s, err
	}
	self, err := installation.Program()
	if err != nil {
		return s, err
	}
	if root, err := handover.ReadStatus(handover.PathsFor(p.Home, self).Status); err == nil {
		s.Root = &root
	}
	var progress updater.Progress
	switch err := control.Call(ctx, p.Control, "GET", "update", nil, &progress); {
	case err == nil:
		s.Agent = &progress
	case errors.Is(err, control.ErrNotRunning):
	default:
		if _, answered := errors.AsType[*control.Error](err); !answered {
			return s, err
		}
	}
	return s, nil
}

func (s Status) print(out io.Writer) error {
	w := cli.Columns(out)
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, plain.Line(text))
		}
	}
	if r := s.Root; r != nil {
		s.printRoot(row, *r)
	} else {
		row("package", s.Program)
		row("", "self-update has not run on this host")
	}
	if a := s.Agent; a != nil {
		row("phase", a.Phase)
		row("wanted", a.Wanted)
		row("reason", a.Reason)
		row("problem", a.Error)
		row("downloaded", a.Download)
		row("goes on", clock(a.Until))
		row("asked the cloud", clock(a.Checked))
		row("metadata expires", clock(a.Expires))
	} else {
		row("agent", "does not run, or does not update itself")
	}
	return w.Flush()
}

func (s Status) printRoot(row func(name, text string), r handover.Status) {
	row("package", r.Package)
	row("active", r.Active)
	if r.Selected != nil {
		row("started", fmt.Sprintf("%s from %s", r.Selected.Version, r.Selected.Slot))
	}
	if r.Candidate != nil {
		row("on trial", fmt.Sprintf("%s, start %d", r.Candidate.Version, r.Candidate.Tries))
	}
	if r.Previous != nil {
		row("previous", r.Previous.Version)
	}
	for _, b := range r.Bad {
		row("failed here", fmt.Sprintf("%s: %s: %s", b.Version, b.Class, b.Reason))
	}
	row("pinned to", r.Pin)
	row("held", r.Hold)
	if l := r.Last; l != nil {
		phase := string(l.Phase)
		if l.Code != "" {
			phase += " (" + l.Code + ")" // "tcenvsvr help errors" has the codes
		}
		row("last", fmt.Sprintf("%s %s %s %s", l.At.Local().Format(time.DateTime), phase, l.Version, l.Reason))
	}
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
