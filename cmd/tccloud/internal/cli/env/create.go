package env

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME", Short: "create an Environment", Args: cli.Exactly(1, "a name"),
		Long: `Create makes an Environment: a set of servers that share a queue of orders. Its name
stands in bundles, in signed orders and in sealed parameters, so it cannot be changed.

  tccloud env create lab --data DIR
  tccloud env create lab --owner "Ada" --data DIR`,
	}
	owner := cmd.Flags().String("owner", "", "who it belongs to, for people")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		e, err := c.CreateEnvironment(cmd.Context(), args[0], *owner)
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, e)
	}
	return cmd
}
