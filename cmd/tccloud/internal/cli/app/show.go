package app

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func show(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME[@VERSION]", Short: "show an App, the newest version by default", Args: cli.Exactly(1, "NAME or NAME@VERSION"),
		Long: `Show prints what the catalog has of an App: its parameters, the SHA-256 of its package
and its signature. Without a version it is the newest, and of a range the newest in it.

  tccloud app show My_App --data DIR
  tccloud app show My_App@1.0.2 --json --data DIR
  tccloud app show My_App@1.x --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		name, version := Split(args[0])
		a, err := c.App(cmd.Context(), name, version)
		if err != nil {
			return err
		}
		return printApp(o, *asJSON, a)
	}
	return cmd
}
