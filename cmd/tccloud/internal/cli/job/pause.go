package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func pause(o *operator.Env, paused bool) *cobra.Command {
	cmd := &cobra.Command{Use: "pause NAME", Short: "do not run a Job by its schedule; a run that is under way goes on", Args: cli.Exactly(1, "a name")}
	if !paused {
		cmd.Use, cmd.Short = "resume NAME", "run a Job by its schedule again, from now on"
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect()
		if err != nil {
			return err
		}
		j, err := c.ChangeJob(cmd.Context(), args[0], v1.ChangeJob{Paused: &paused})
		if err != nil {
			return err
		}
		return answer(o, *asJSON, j)
	}
	return cmd
}
