package execution

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func requests(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "requests ID", Short: "show what was passed on to the platform", Args: cli.Exactly(1, "an execution's id"),
		Long: `Requests shows what a cloud with "serve --platform" passed on for an execution, the
newest 10,000: method, path, the platform's status, and the bytes in both directions.

  tccloud execution requests ID --data DIR
  tccloud execution requests ID --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Requests(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "TIME\tATTEMPT\tMETHOD\tPATH\tSTATUS\tSENT\tRECEIVED\tMS\tERROR", func(row func(...any)) {
				for _, r := range list {
					row(operator.Time(r.Time), r.Attempt, r.Method, r.Path, r.Status, r.Sent, r.Received, r.Millis, r.Error)
				}
			})
		})
	}
	return cmd
}
