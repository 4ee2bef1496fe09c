package server

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func restart(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "restart SERVER", Short: "restart the agent of a connected server", Args: cli.Exactly(1, "a server"),
		Long: `Restart has the agent of a connected server end, and be started by what runs it:
the service, or "tcenvsvr launch". Apps and services go on, and the new agent finds
them. An agent that runs in a terminal ends with exit code 75.

  tccloud server restart scanner-1 --data DIR
  tccloud server restart scanner-1 --wait --timeout 5m --data DIR`,
	}
	wait := addWait(cmd, "until it is connected again")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := wait.check(cmd); err != nil {
			return err
		}
		c, s, err := find(cmd.Context(), o, args[0])
		if err != nil {
			return err
		}
		if err := c.ControlServer(cmd.Context(), s.XID, v1.ControlServer{Action: wire.ActionRestart}); err != nil {
			return err
		}
		if wait.on {
			if s, err = wait.until(cmd.Context(), o.Stderr, c, s, restarted(s)); err != nil {
				return err
			}
			return showAnswer(o, *asJSON, s)
		}
		return asked(o, *asJSON, s, "to restart")
	}
	return cmd
}

// LogLevels are those of an agent's log.
var LogLevels = []string{"debug", "info", "warn", "error"}

func logLevel(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "log-level SERVER LEVEL", Short: "change what a connected server logs", Args: cli.Exactly(2, "a server and a level"),
		Long: `Log-level has the agent of a connected server log from a level on: debug, info, warn
or error. It holds until the agent's next restart; then its settings say what it
logs.

  tccloud server log-level scanner-1 debug --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return control(cmd, o, *asJSON, args[0], v1.ControlServer{Action: wire.ActionLogLevel, Level: args[1]}, "to log from level "+args[1]+" on")
	}
	return cmd
}

func updateNow(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "update SERVER", Short: "have a connected server look for its update now", Args: cli.Exactly(1, "a server"),
		Long: `Update has the agent of a connected server look for the release that is meant for it,
and install it without waiting for its turn. "tccloud release rollout" and the
server's own settings say which release that is; "server show" and the console tell
what became of it. Apps and services go on.

  tccloud server update scanner-1 --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return control(cmd, o, *asJSON, args[0], v1.ControlServer{Action: wire.ActionUpdate}, "to look for its update")
	}
	return cmd
}

// control asks a connected server for one thing; to says what.
func control(cmd *cobra.Command, o *operator.Env, asJSON bool, server string, q v1.ControlServer, to string) error {
	c, s, err := find(cmd.Context(), o, server)
	if err == nil {
		err = c.ControlServer(cmd.Context(), s.XID, q)
	}
	if err != nil {
		return err
	}
	return asked(o, asJSON, s, to)
}

// asked says that a server was asked for something, in JSON by the server as it was then.
func asked(o *operator.Env, asJSON bool, s v1.Server, to string) error {
	return cli.Answer(o.Stdout, asJSON, s, func(w io.Writer) { fmt.Fprintf(w, "%s was asked %s\n", plain.Line(s.Name), to) })
}
