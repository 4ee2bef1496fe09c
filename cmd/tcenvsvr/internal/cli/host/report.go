package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// answer is what --json prints.
type answer struct {
	OK     bool           `json:"ok"`
	DryRun bool           `json:"dry_run,omitempty"`
	Steps  []setup.Result `json:"steps"`
}

// act is one of the methods of [setup.Host]: it passes each step's result on when the step is done.
type act func(context.Context, func(setup.Result)) error

// runSteps runs do and prints the result of each step. fix words what was, or would be, fixed; idle
// is printed when there was nothing to report.
func runSteps(ctx context.Context, e *env.Env, o options, fix func(string) string, idle string, do act) error {
	a := answer{DryRun: o.dry, Steps: []setup.Result{}}
	printed := false
	err := do(ctx, func(r setup.Result) {
		a.Steps = append(a.Steps, r)
		printed = printed || len(r.Findings) > 0 || r.Err != nil
		if !o.json {
			printStep(e, r, fix)
		}
	})
	a.OK = err == nil
	if o.json {
		if err := cli.PrintJSON(e.Stdout, a); err != nil {
			return err
		}
	} else if err == nil && !printed {
		fmt.Fprintln(e.Stdout, idle)
	}
	return exitFor(e, o, err)
}

// exitFor returns the error that the command ends with. Called by the package manager (--package)
// it only warns: an installation must not fail for what a person can fix later.
func exitFor(e *env.Env, o options, err error) error {
	switch {
	case err == nil:
		return nil
	case o.packaged:
		fmt.Fprintf(e.Stderr, "warning: %s\nwarning: see \"tcenvsvr host check\"\n", strings.ReplaceAll(err.Error(), "\n", "\nwarning: "))
		return nil
	case errors.Is(err, setup.ErrDeviates) && !o.dry:
		return fmt.Errorf("%w\nhint: \"tcenvsvr host apply\" puts right what it can", err)
	case errors.Is(err, os.ErrPermission) && !strings.Contains(err.Error(), "\nhint: "):
		return fmt.Errorf("%w\nhint: run it as root, who sees everything", err)
	}
	return err
}

// printStep prints the result of one step for people.
func printStep(e *env.Env, r setup.Result, fix func(string) string) {
	for _, f := range r.Findings {
		switch {
		case f.Fix != "":
			fmt.Fprintf(e.Stdout, "%s: %s%s\n", r.Step, f.Text, fix(f.Fix))
		case f.Try != "":
			fmt.Fprintf(e.Stdout, "%s: %s\n  try: %s\n", r.Step, f.Text, f.Try)
		default:
			fmt.Fprintf(e.Stdout, "%s: %s\n", r.Step, f.Text)
		}
		if f.Hand != "" {
			fmt.Fprintf(e.Stdout, "  by hand: %s\n", strings.ReplaceAll(f.Hand, "\n", "\n    "))
		}
	}
}

// done words a fix that was made, and would one that --dry-run would make.
func done(fix string) string { return ": " + fix }

func would(fix string) string { return ": would be " + fix }

func wording(dry bool) func(string) string {
	if dry {
		return would
	}
	return done
}
