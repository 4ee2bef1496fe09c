package execution

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func show(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show ID", Short: "show one execution", Args: cli.Exactly(1, "an execution's id"),
		Long: `Show prints what is known of an execution: its state, the server that has it, why it
ended so, and the files it left. Of an order with sealed parameters that waits it says
which servers could open them, and of a signed one whose key signed it.

  tccloud execution show ID --data DIR
  tccloud execution show ID --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		x, err := c.Execution(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, x, func(w io.Writer) { Summary(w, x) })
	}
	return cmd
}
