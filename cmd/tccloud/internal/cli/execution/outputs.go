package execution

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func outputs(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "outputs ID", Short: "show the Playbook variables it wrote", Args: cli.Exactly(1, "an execution's id"),
		Long: `Outputs prints the Playbook variables that an execution wrote, with their values.

  tccloud execution outputs ID --data DIR
  tccloud execution outputs ID --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		outputs, err := c.Outputs(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, outputs, func(w io.Writer) {
			for _, name := range operator.Sorted(outputs) {
				fmt.Fprintf(w, "%s = %s\n", plain.Line(name), plain.Line(string(outputs[name])))
			}
		})
	}
	return cmd
}
