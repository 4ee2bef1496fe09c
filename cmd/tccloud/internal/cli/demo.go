package cli

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/demo"
)

func demoCommand(o *operator.Env) *cobra.Command {
	c := demo.Config{Out: o.Stdout}
	cmd := &cobra.Command{
		Use: "demo", Short: "cloud and agents on this host, in one command", Args: cli.Exactly(0, "no arguments"),
		Long: `Demo starts a cloud and Environment Servers as real processes in a throw-away
folder, runs a Python and a Java App over both transports, has an agent update
itself while a job runs, and prints what happened. It needs Python 3, a JDK and no root.
An agent that it did not build is not updated: it makes the next release of its own alone.

  go run ./cmd/tccloud demo --once

Exit code 0 only if every App gave the right answer and the job did not notice the update.` +
			"\n\n" + operator.ExitCodes.Help(operator.ExitOK, operator.ExitFailed, operator.ExitUsage, operator.ExitInterrupted),
		RunE: func(cmd *cobra.Command, _ []string) error { return demo.Run(cmd.Context(), c) },
	}
	cmd.Flags().StringVar(&c.Agent, "agent", "", "the tcenvsvr program (default: beside this one, or built from source)")
	cmd.Flags().BoolVar(&c.Once, "once", false, "end when all has run")
	return cmd
}
