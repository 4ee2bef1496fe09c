package update

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/updater/slot"
)

func blessVerb(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: "bless", Short: "end the trial of a new program", Args: verb.Exactly(0, "no arguments"),
		Long: `Bless keeps the new program if the agent said that it is healthy. If it has not
for too long, the program is given up: exit code 75 asks to restart the service.

  tcenvsvr slot bless`,
		RunE: func(*cobra.Command, []string) error { return runBless(e) },
	}
}

func runBless(e *verb.Env) error {
	s, err := open(e)
	if err != nil {
		return err
	}
	v, err := s.Bless()
	if err != nil {
		return err
	}
	fmt.Fprintln(e.Stdout, v)
	if v == slot.Overdue {
		return agent.ErrRestart
	}
	return nil
}
