package app

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the Apps", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows each version of each App that this cloud has, with the SHA-256 of its package
and whose key signed it ("tccloud app sign").

  tccloud app list --data DIR
  tccloud app list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Apps(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "NAME\tVERSION\tLANGUAGE\tLEVEL\tSIZE\tSHA256\tSIGNED BY\tADDED", func(row func(...any)) {
				for _, a := range list {
					row(a.Name, a.Version, a.Language, a.RuntimeLevel, a.Size, a.SHA256[:12], cmp.Or(a.SignedBy, "-"), operator.Time(a.Added))
				}
			})
		})
	}
	return cmd
}
