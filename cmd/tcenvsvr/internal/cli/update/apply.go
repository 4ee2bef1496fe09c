package update

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func applyCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "apply", Short: "install the wanted release now", Args: cli.Exactly(0, "no arguments"),
		Long: `Apply has the running agent install the wanted release at once, also outside of
updateWindow and with updateMode notify. Jobs go on while the agent restarts.

  sudo tcenvsvr update apply`,
		RunE: func(c *cobra.Command, _ []string) error { return runCheck(c.Context(), e, true) },
	}
}
