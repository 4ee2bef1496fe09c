package cli

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
)

func (e *env) run() *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "run the Environment Server in this terminal",
		Long: `Run starts the agent in the foreground; the service does the same. The first
INT or TERM takes no new orders and lets jobs finish for up to drainSeconds, a second one
stops at once. Jobs still running then go on, and the next agent finds them.

  tcenvsvr run
  tcenvsvr run --logLevel debug --queueTransport websocket

` + exitCodesHelp(),
		Args: exactly(0, "no arguments, only flags"),
	}
	overrides := settingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		// Of our own, not the context's: a drain is no cancellation.
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		return daemon.RunUntilSignal(signals, daemon.Config{
			Home: e.home, Overrides: overrides(), Env: e.environ, Stderr: e.stderr,
			Mode: logging.Detect(os.Stderr), Version: build.Version(),
		})
	}
	return c
}

// settingFlags gives c a flag for each setting that is no secret (secrets
// do not belong on command lines) and returns a function that tells which were given.
func settingFlags(c *cobra.Command) func() map[string]string {
	for _, s := range settings.All {
		if !s.Secret {
			c.Flags().String(s.Name, "", s.Help)
		}
	}
	return func() map[string]string {
		given := map[string]string{}
		for _, s := range settings.All {
			if f := c.Flags().Lookup(s.Name); f != nil && f.Changed {
				given[s.Name] = f.Value.String()
			}
		}
		return given
	}
}
