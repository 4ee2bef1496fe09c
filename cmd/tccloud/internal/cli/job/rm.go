package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME", Aliases: []string{"delete"}, Short: "remove a Job and its history; a run that is under way goes on",
		Args: cli.Exactly(1, "a name"),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect()
		if err != nil {
			return err
		}
		return c.RemoveJob(cmd.Context(), args[0])
	}
	return cmd
}
