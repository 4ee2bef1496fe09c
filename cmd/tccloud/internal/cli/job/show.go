package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func show(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME", Short: "show one Job", Args: cli.Exactly(1, "a name"),
		Long: `Show prints one Job: its App, its schedule, the names of its parameters, and what the last
run left for the next one.

  tccloud job show alerts --data DIR
  tccloud job show alerts --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		j, err := c.Job(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return answer(o, *asJSON, j)
	}
	return cmd
}
