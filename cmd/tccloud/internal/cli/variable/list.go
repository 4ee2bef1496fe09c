package variable

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the variables, not what they hold", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows the names of the variables and when they were changed, never what they hold.

  tccloud variable list --data DIR
  tccloud variable list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Variables(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "VARIABLE\tCHANGED", func(row func(...any)) {
				for _, v := range list {
					row(v.Source+"/"+v.ID, operator.Time(v.Changed))
				}
			})
		})
	}
	return cmd
}
