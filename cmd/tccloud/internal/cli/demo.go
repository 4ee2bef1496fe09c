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

Then all of them stay up until Ctrl-C, to be looked at in the console: it prints a link
that signs an administrator in once, within 15 minutes. A browser warns of the
certificate, whose CA was made for the demo.

  go run ./cmd/tccloud demo --once
  go run ./cmd/tccloud demo --open

Exit code 0 only if every App gave the right answer and the job did not notice the update.` +
			"\n\n" + operator.ExitCodes.Help(operator.ExitOK, operator.ExitFailed, operator.ExitUsage, operator.ExitInterrupted),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.Open && c.Once {
				return cli.Misuse(cmd, "--open shows what stays up, --once leaves nothing")
			}
			return demo.Run(cmd.Context(), c)
		},
	}
	cmd.Flags().StringVar(&c.Agent, "agent", "", "the tcenvsvr program (default: beside this one, or built from source)")
	cmd.Flags().BoolVar(&c.Once, "once", false, "end when all has run")
	cmd.Flags().BoolVar(&c.Open, "open", false, "open the console in a browser")
	return cmd
}
