package slot

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
)

func stateCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "state", Short: "print what root remembers, as JSON", Args: cli.Exactly(0, "no arguments"),
		Long: `State prints what the root side of self-update remembers. It changes nothing.

  tcenvsvr slot state`,
		RunE: func(*cobra.Command, []string) error { return runState(e) },
	}
}

func runState(e *env.Env) error {
	s, err := installation.Open(e)
	if err != nil {
		return err
	}
	st, err := s.State()
	if err != nil {
		return err
	}
	return cli.PrintJSON(e.Stdout, st)
}
