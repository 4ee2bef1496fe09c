package update

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/updater/slot/state"
)

func endedVerb(e *verb.Env) *cobra.Command {
	var pause time.Duration
	c := &cobra.Command{
		Use: "ended", Short: "judge how the program ended", Args: verb.Exactly(0, "no arguments"),
		Long: `Ended judges the end of the program by SERVICE_RESULT, EXIT_CODE and EXIT_STATUS,
which systemd gives to ExecStopPost, and prints its class: clean, crash, hang, policy, environment.
With --pause it then waits where starting again at once would not help: where what
failed was not a new release, behind which another is waiting.

  tcenvsvr slot ended --pause 2s`,
		RunE: func(c *cobra.Command, _ []string) error { return runEnded(c.Context(), e, pause) },
	}
	c.Flags().DurationVar(&pause, "pause", 0, "how long to wait after a failure")
	return c
}

func runEnded(ctx context.Context, e *verb.Env, pause time.Duration) error {
	exit := state.Exit{Result: e.Getenv("SERVICE_RESULT"), Code: e.Getenv("EXIT_CODE"), Status: e.Getenv("EXIT_STATUS")}
	if exit.Result == "" {
		return verb.Usage("ended is called by the service manager: SERVICE_RESULT is not set")
	}
	s, err := open(e)
	if err != nil {
		return err
	}
	before, _ := s.State() // a state that cannot be read is one without a trial
	class, err := s.Ended(exit)
	if err == nil {
		_, err = fmt.Fprintf(e.Stdout, "the program ended (%s): counted as %s\n", exit, class)
	}
	if class == state.Clean || before.Phase == state.Trying {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
	return err
}
