package variable

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm SOURCE/ID", Aliases: []string{"remove", "delete"}, Short: "remove a variable", Args: cli.Exactly(1, "SOURCE/ID"),
		Long: `Rm removes a variable. An execution that still asks for it gets an error.

  tccloud variable rm TC/9f1c --data DIR`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		source, id, err := split(cmd, args[0])
		if err != nil {
			return err
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.DeleteVariable(cmd.Context(), source, id)
	}
	return cmd
}
