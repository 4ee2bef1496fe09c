package user

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the users", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows the users, their roles, how they sign in and when they did last.

  tccloud user list --data DIR
  tccloud user list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Users(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "NAME\tROLE\tSIGNS IN BY\tDISABLED\tLAST SIGNED IN", func(row func(...any)) {
				for _, u := range list {
					row(u.Name, u.Role, way(u), operator.Yes(u.Disabled), operator.Time(u.SignedIn))
				}
			})
		})
	}
	return cmd
}
