package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/internal/prompt"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/doctor"
)

func doctorCommand(e *env.Env) *cobra.Command {
	var asJSON, fix, yes bool
	c := &cobra.Command{
		Use: "doctor", Short: "look for what is wrong, and say what to do", Args: cli.Exactly(0, "no arguments, only flags"),
		Long: `Doctor checks what the Environment Server needs of this host and every step of the
way to the cloud: what was found, why it matters, what to do. It works before
enrollment and beside a running agent, disturbs neither, and succeeds if no check
failed. Root sees the most of the host; for the rest it becomes the agent's user.

--fix first does what harms nobody, and prints each change: files of secrets closed to
others, folders and trust stores; as root, what "host apply" does, for this host's
installation only and after a question that lists it (--yes: without).

  sudo tcenvsvr doctor
  sudo -u threatconnect tcenvsvr doctor --json
  sudo tcenvsvr doctor --fix
  sudo tcenvsvr doctor --fix --yes`,
		RunE: func(c *cobra.Command, _ []string) error { return runDoctor(c.Context(), e, asJSON, fix, yes) },
	}
	cli.JSONVar(c, &asJSON)
	c.Flags().BoolVar(&fix, "fix", false, "put right first what can be put right safely")
	c.Flags().BoolVar(&yes, "yes", false, "with --fix: change the host without a question")
	return c
}

func doctorConfig(e *env.Env) (doctor.Config, error) {
	p, err := e.Paths()
	return doctor.Config{Paths: p, Environ: e.Environ, Version: build.Version()}, err
}

func runDoctor(ctx context.Context, e *env.Env, asJSON, fix, yes bool) error {
	c, err := doctorConfig(e)
	if err != nil {
		return err
	}
	report := doctor.Report{Version: c.Version}
	fixed := func(change string) { report.Fixed = append(report.Fixed, change) }
	var unfixed error
	if fix {
		confirm := func(changes []string) error { return confirmFix(ctx, e, changes, yes) }
		if unfixed = doctor.FixHost(ctx, c, confirm, fixed); errors.Is(unfixed, errUnconfirmed) {
			return unfixed
		}
	}
	host := doctor.CheckHost(ctx, c)
	if err := e.BecomeOwner(); err != nil {
		return err
	}
	c.Environ = e.Environ
	if fix {
		unfixed = errors.Join(unfixed, doctor.Fix(c, fixed))
	}
	report.Findings = doctor.Run(ctx, c, host)
	report.OK = doctor.Sound(report.Findings)
	if asJSON {
		err = cli.PrintJSON(e.Stdout, report)
	} else {
		_, err = fmt.Fprint(e.Stdout, report)
	}
	if err := errors.Join(err, unfixed); err != nil {
		return err
	}
	if !report.OK {
		return cli.ErrReported
	}
	return nil
}

// errUnconfirmed means that nobody agreed to the changes of --fix.
var errUnconfirmed = errors.New("nothing was changed")

// confirmFix shows what --fix will change on the host, and asks.
func confirmFix(ctx context.Context, e *env.Env, changes []string, yes bool) error {
	if yes {
		return nil
	}
	fmt.Fprintln(e.Stderr, "doctor --fix changes this host:")
	for _, change := range changes {
		fmt.Fprintln(e.Stderr, "  "+change)
	}
	p := prompt.Prompt{In: e.Stdin, Out: e.Stderr}
	if !p.OnTerminal() {
		return fmt.Errorf("%w: there is no terminal to ask on\nhint: --yes changes the host without a question", errUnconfirmed)
	}
	answer, err := p.Line(ctx, "Change it? [y/N] ")
	if err == nil && answer != "y" {
		err = errUnconfirmed
	}
	return err
}
