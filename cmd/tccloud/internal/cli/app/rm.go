package app

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME@VERSION", Aliases: []string{"remove", "delete"}, Short: "remove a version of an App", Args: cli.Exactly(1, "NAME@VERSION"),
		Long: `Rm removes one version of an App from the catalog. One that queued or running
executions use stays, unless --force says otherwise; they get it all the same.

  tccloud app rm My_App@1.0.2 --data DIR
  tccloud app rm My_App@1.0.2 --force --data DIR`,
	}
	force := cmd.Flags().Bool("force", false, "also while executions use it; they still get it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, version := Split(args[0])
		if version == "" {
			return cli.Misuse(cmd, "%q names no version, want NAME@VERSION", args[0])
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.RemoveApp(cmd.Context(), name, version, *force)
	}
	return cmd
}
