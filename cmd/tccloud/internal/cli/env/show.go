package env

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func show(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME", Short: "show one Environment", Args: cli.Exactly(1, "a name"),
		Long: `Show prints one Environment: whether it is active, its servers, and its orders.

  tccloud env show lab --data DIR
  tccloud env show lab --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		e, err := c.Environment(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, e)
	}
	return cmd
}
