package env

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "create NAME", Short: "create an Environment", Args: cli.Exactly(1, "a name")}
	owner := cmd.Flags().String("owner", "", "who it belongs to, for people")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect()
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
