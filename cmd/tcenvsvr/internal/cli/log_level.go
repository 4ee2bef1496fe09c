package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/logging"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

func logCommand(e *env.Env) *cobra.Command {
	return cli.Group("log", "the log of the running Environment Server",
		`Log is about what the running agent writes: under systemd to the journal
("journalctl -u threatconnect-envsvr"), as another service to .tcenvsvr/logs/tcenvsvr.log, in a
container or "tcenvsvr run >log 2>&1" to standard error. Acts that matter for security are in
.tcenvsvr/logs/audit.jsonl in all cases.

  tcenvsvr log level
  sudo tcenvsvr log level debug`, logLevelCommand(e))
}

func logLevelCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "level [debug|info|warn|error]", Short: "show or change how much the running agent logs",
		Long: `Level changes how much is logged from now on, until the agent ends; what it logs
after its next start is the setting logLevel.

  tcenvsvr log level
  sudo tcenvsvr log level debug`,
		ValidArgs: []string{"debug", "info", "warn", "error"},
		Args:      cli.AtMost(1, "one level or none"),
		RunE:      func(c *cobra.Command, args []string) error { return runLevel(c.Context(), e, args) },
	}
}

func runLevel(ctx context.Context, e *env.Env, args []string) error {
	p, err := e.Paths()
	if err != nil {
		return err
	}
	var now controlapi.LogLevel
	if len(args) == 0 {
		if err := control.Call(ctx, p.Control, "GET", "log-level", nil, &now); err != nil {
			return err
		}
		_, err = fmt.Fprintln(e.Stdout, now.Level)
		return err
	}
	if _, err := logging.ParseLevel(args[0]); err != nil {
		return cli.Usage("%w", err)
	}
	if err := control.Call(ctx, p.Control, "POST", "log-level", controlapi.LogLevel{Level: args[0]}, &now); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Stdout, "log level %s, before %s\n", args[0], now.Level)
	return err
}
