package env

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the Environments", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows the Environments, how many servers each has, how many of these are connected,
and how many orders wait and run.

  tccloud env list --data DIR
  tccloud env list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Environments(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "NAME\tACTIVE\tSERVERS\tCONNECTED\tQUEUED\tRUNNING\tTODAY\tOWNER", func(row func(...any)) {
				for _, e := range list {
					row(e.Name, operator.Yes(e.Active), e.Servers, e.Connected, e.Queued, e.Running, e.Today, e.Owner)
				}
			})
		})
	}
	return cmd
}
