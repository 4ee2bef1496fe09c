package execution

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func cancel(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "cancel ID", Short: "end an execution", Args: cli.Exactly(1, "an execution's id"),
		Long: `Cancel ends an execution: one that waits is not started, one that runs is killed with
all its processes. What has ended already stays as it is.

  tccloud execution cancel ID --data DIR
  tccloud execution cancel ID --reason "wrong host" --data DIR`,
	}
	reason := cmd.Flags().String("reason", "", "why, for people")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		x, err := c.Cancel(cmd.Context(), wire.OrderID(args[0]), *reason)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, x, func(w io.Writer) { Summary(w, x) })
	}
	return cmd
}
