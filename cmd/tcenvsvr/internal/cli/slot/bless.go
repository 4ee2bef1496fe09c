package slot

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
	"tcenvsvr/updater/slot"
)

func blessCommand(e *env.Env) *cobra.Command {
	var probation time.Duration
	c := &cobra.Command{
		Use: "bless", Short: "end the trial of a new program", Args: cli.Exactly(0, "no arguments"),
		Long: `Bless keeps the new program if the agent reported that it is healthy. If it has not
for too long, the program is given up: exit code 75 asks to restart the service.

  tcenvsvr slot bless
  tcenvsvr slot bless --probation 1h`,
		RunE: func(*cobra.Command, []string) error { return runBless(e, probation) },
	}
	c.Flags().DurationVar(&probation, "probation", slot.DefaultProbation, "how long it may run without being healthy")
	return c
}

func runBless(e *env.Env, probation time.Duration) error {
	s, err := installation.Open(e, func(c *slot.Config) { c.Probation = probation })
	if err != nil {
		return err
	}
	v, err := s.Bless()
	if err != nil {
		return err
	}
	if v != slot.NoTrial { // nearly every run of the timer finds no trial
		fmt.Fprintln(e.Stdout, v)
	}
	if v == slot.Overdue {
		return agent.ErrRestart
	}
	return nil
}
