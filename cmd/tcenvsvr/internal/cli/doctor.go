package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/doctor"
)

func doctorCommand(e *env.Env) *cobra.Command {
	var asJSON, fix bool
	c := &cobra.Command{
		Use: "doctor", Short: "look for what is wrong, and say what to do", Args: cli.Exactly(0, "no arguments, only flags"),
		Long: `Doctor checks what the Environment Server needs of this host and every step of the
way to the cloud: what was found, why it matters, what to do. It works before
enrollment and beside a running agent, disturbs neither, and succeeds if no check
failed. Root sees the most of the host; for the rest it becomes the agent's user.

--fix first does what harms nobody, and prints each change: settings.yaml closed to
others, folders and trust stores; as root, what "host apply" does.

  sudo tcenvsvr doctor
  sudo -u threatconnect tcenvsvr doctor --json
  sudo tcenvsvr doctor --fix`,
		RunE: func(c *cobra.Command, _ []string) error { return runDoctor(c.Context(), e, asJSON, fix) },
	}
	cli.JSONVar(c, &asJSON)
	c.Flags().BoolVar(&fix, "fix", false, "put right first what can be put right safely")
	return c
}

func doctorConfig(e *env.Env) (doctor.Config, error) {
	p, err := e.Paths()
	return doctor.Config{Paths: p, Environ: e.Environ, Version: build.Version()}, err
}

func runDoctor(ctx context.Context, e *env.Env, asJSON, fix bool) error {
	c, err := doctorConfig(e)
	if err != nil {
		return err
	}
	report := doctor.Report{Version: c.Version}
	fixed := func(change string) { report.Fixed = append(report.Fixed, change) }
	var unfixed error
	if fix {
		unfixed = doctor.FixHost(ctx, c, fixed)
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
		return fmt.Errorf("%w: a check failed", cli.ErrReported)
	}
	return nil
}
