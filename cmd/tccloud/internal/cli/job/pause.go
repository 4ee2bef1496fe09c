package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func pause(o *operator.Env, paused bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: "pause NAME", Short: "do not run a Job by its schedule", Args: cli.Exactly(1, "a name"),
		Long: `Pause has a Job not run by its schedule until "tccloud job resume". A run that is under way
goes on, and "tccloud job run" still runs it.

  tccloud job pause alerts --data DIR`,
	}
	if !paused {
		cmd.Use, cmd.Short = "resume NAME", "run a Job by its schedule again"
		cmd.Long = `Resume has a Job run by its schedule again, from now on: what it missed is not made up for.

  tccloud job resume alerts --data DIR`
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
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
