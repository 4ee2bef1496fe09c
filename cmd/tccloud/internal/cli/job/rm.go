package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME", Aliases: []string{"remove", "delete"}, Short: "remove a Job and its history",
		Args: cli.Exactly(1, "a name"),
		Long: `Rm removes a Job with its history and what its runs left. A run that is under way goes on.

  tccloud job rm alerts --data DIR`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.RemoveJob(cmd.Context(), args[0])
	}
	return cmd
}
