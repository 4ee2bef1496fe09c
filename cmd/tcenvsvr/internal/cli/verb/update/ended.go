package update

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/updater/slot/state"
)

func endedVerb(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: "ended", Short: "judge how the program ended", Args: verb.Exactly(0, "no arguments"),
		Long: `Ended judges the end of the program by SERVICE_RESULT, EXIT_CODE and EXIT_STATUS,
which systemd gives to ExecStopPost, and prints its class: clean, crash, hang, policy, environment.

  tcenvsvr slot ended`,
		RunE: func(*cobra.Command, []string) error { return runEnded(e) },
	}
}

func runEnded(e *verb.Env) error {
	exit := state.Exit{Result: e.Getenv("SERVICE_RESULT"), Code: e.Getenv("EXIT_CODE"), Status: e.Getenv("EXIT_STATUS")}
	if exit.Result == "" {
		return verb.Usage("ended is called by the service manager: SERVICE_RESULT is not set")
	}
	s, err := open(e)
	if err != nil {
		return err
	}
	class, err := s.Ended(exit)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.Stdout, class)
	return err
}
