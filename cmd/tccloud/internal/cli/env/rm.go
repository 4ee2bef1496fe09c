package env

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME", Aliases: []string{"remove", "delete"}, Short: "remove an Environment", Args: cli.Exactly(1, "a name"),
		Long: `Rm removes an Environment. One that has servers or executions stays, unless --force
says otherwise: its servers are then removed, too, and its executions cancelled.

  tccloud env rm lab --data DIR
  tccloud env rm lab --force --data DIR`,
	}
	force := cmd.Flags().Bool("force", false, "also remove its servers and cancel its executions")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.DeleteEnvironment(cmd.Context(), args[0], *force)
	}
	return cmd
}
