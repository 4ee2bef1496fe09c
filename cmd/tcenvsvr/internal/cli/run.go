package cli

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

func runCommand(e *env.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "run the Environment Server in this terminal",
		Long: `Run starts the agent in the foreground; the service does the same. The first
INT or TERM takes no new orders and lets jobs finish for up to drainSeconds, a second one
stops at once. Jobs still running then go on, and the next agent finds them. HUP reads the
settings again.

It logs to the journal or to standard error, and on a terminal also to
.tcenvsvr/logs/tcenvsvr.log; only to that file where standard error is closed or /dev/null.

  tcenvsvr run
  tcenvsvr run --logLevel debug --queueTransport websocket`,
		Args: cli.Exactly(0, "no arguments, only flags"),
	}
	overrides := env.SettingFlags(c)
	logTo := env.LogFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		mode, err := logging.Choose(*logTo, os.Stderr)
		if err != nil {
			return cli.Usage("%w", err)
		}
		// A channel of its own, not the context: draining is no cancellation.
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		reload := make(chan os.Signal, 1)
		signal.Notify(reload, syscall.SIGHUP)
		defer signal.Stop(reload)
		// A reader of the log that goes away must not end the agent, nor change its exit code.
		// Caught, not ignored: Apps would inherit that.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		return svc.Run(signals, func() error {
			return daemon.RunUntilSignal(signals, daemon.Config{
				Home: e.Home, Overrides: overrides(), Env: e.Environ, Stderr: e.Stderr,
				Mode: mode, Version: build.Version(), Built: build.Time(), Reload: reload, Ask: e.AskMasterPassword(),
			})
		})
	}
	return c
}
