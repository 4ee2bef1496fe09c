package token

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the tokens, without their secrets", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows the tokens, the newest first, with the day on which each was last used (by
UTC). One that has expired is listed for another 30 days.

  tccloud token list --data DIR
  tccloud token list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.APITokens(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "ID\tNAME\tROLE\tENVIRONMENTS\tEXPIRES\tUSED\tMADE BY", func(row func(...any)) {
				for _, t := range list {
					row(t.ID, t.Name, t.Role, scope(t), operator.Time(t.Expires), t.Used, t.By)
				}
			})
		})
	}
	return cmd
}
