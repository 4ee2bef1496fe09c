package update

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

func stateVerb(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: "state", Short: "print what root remembers, as JSON", Args: cli.Exactly(0, "no arguments"),
		Long: `State prints what the root side of self-update remembers. It changes nothing.

  tcenvsvr slot state`,
		RunE: func(*cobra.Command, []string) error { return runState(e) },
	}
}

func runState(e *verb.Env) error {
	s, err := open(e)
	if err != nil {
		return err
	}
	st, err := s.State()
	if err != nil {
		return err
	}
	return cli.PrintJSON(e.Stdout, st)
}
