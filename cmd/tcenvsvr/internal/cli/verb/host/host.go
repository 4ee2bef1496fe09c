package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

// Commands are the verbs of this topic.
func Commands(e *verb.Env) []*cobra.Command {
	return []*cobra.Command{
		cli.Group("host", "what this host needs to run Apps as tc-job",
			`Host sets this machine up to run Apps as a sandbox user, says how far it is from
that, and takes back what it did. The package does "host apply" by itself.

  users      threatconnect (the agent) and tc-job (Apps), where they do not exist
  way        that both users can pass the folders above --home
  folders    owners, modes and ACLs below --home, /etc and /var/lib
  state      owner and mode of the agent's own files
  settings   appsSandboxUser is tc-job, where nobody set it
  sudoers    /etc/sudoers.d/threatconnect, active only once visudo accepts it
  sudo       the proof: threatconnect becomes tc-job
  su         a marked block in /etc/pam.d/su, if it is tried and changes su for no one else
  runtime    /run/threatconnect-envsvr, where the package's tmpfiles.d wants it
  fapolicyd  a rule for Apps, where fapolicyd has a rules.d
  labels     SELinux labels, where SELinux runs`,
			apply(e), check(e), users(e), remove(e)),
		setupCommand(e),
	}
}

// act is one of setup.Host's methods.
type act func(context.Context, func(setup.Result)) error

// options of a verb that changes the host.
type options struct{ packaged, dry, json bool }

func (o *options) flags(c *cobra.Command, packaged string) *cobra.Command {
	if packaged != "" {
		c.Flags().BoolVar(&o.packaged, "package", false, packaged)
	}
	c.Flags().BoolVar(&o.dry, "dry-run", false, "say what would be done, and change nothing")
	c.Flags().BoolVar(&o.json, "json", false, "answer in JSON")
	return c
}

func newHost(e *verb.Env, packaged bool) (*setup.Host, error) {
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	return &setup.Host{Home: p.Home, Packaged: packaged}, nil
}

// answer is what --json prints.
type answer struct {
	OK     bool           `json:"ok"`
	DryRun bool           `json:"dry_run,omitempty"`
	Steps  []setup.Result `json:"steps"`
}

// tell runs do and prints what it tells; fix says how a fix is worded, and
// idle what there is to say when nothing was found.
func tell(ctx context.Context, e *verb.Env, o options, fix func(string) string, idle string, do act) error {
	a := answer{DryRun: o.dry, Steps: []setup.Result{}}
	said := false
	err := do(ctx, func(r setup.Result) {
		a.Steps = append(a.Steps, r)
		said = said || len(r.Findings) > 0 || r.Err != nil
		if !o.json {
			text(e, r, fix)
		}
	})
	a.OK = err == nil
	if o.json {
		if printed := cli.PrintJSON(e.Stdout, a); printed != nil {
			return printed
		}
	} else if err == nil && !said {
		fmt.Fprintln(e.Stdout, idle)
	}
	return settle(e, o, err)
}

// settle decides what an error means for whoever called. The package manager
// must not fail for what a person can put right later.
func settle(e *verb.Env, o options, err error) error {
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

// text prints a step as people read it.
func text(e *verb.Env, r setup.Result, fix func(string) string) {
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

// done and would word a fix.
func done(fix string) string  { return ": " + fix }
func would(fix string) string { return ": would be " + fix }

func wording(dry bool) func(string) string {
	if dry {
		return would
	}
	return done
}
