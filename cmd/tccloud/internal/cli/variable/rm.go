package variable

import (
	"strings"

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
		source, id, _ := strings.Cut(args[0], "/")
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.DeleteVariable(cmd.Context(), source, id)
	}
	return cmd
}
