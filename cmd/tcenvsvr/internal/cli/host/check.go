package host

import (
	"context"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func checkCommand(e *env.Env) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use: "check", Short: "in which ways this host is not set up", Args: cli.Exactly(0, "no arguments"),
		Long: `Check explains each way in which this host differs from what "host apply" would
make it, changes nothing, and fails if there is any. As root it sees everything,
and really becomes tc-job, by sudo and by su. A su that cannot be had is no failure.

  sudo tcenvsvr host check
  sudo tcenvsvr host check --json`,
		RunE: func(c *cobra.Command, _ []string) error { return runCheck(c.Context(), e, o) },
	}
	cli.JSONVar(c, &o.json)
	return c
}

func runCheck(ctx context.Context, e *env.Env, o options) error {
	h, err := newHost(e, false)
	if err != nil {
		return err
	}
	return runSteps(ctx, e, o, func(string) string { return "" }, "the host is set up", h.Check)
}
