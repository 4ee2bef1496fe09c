package user

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func link(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "link NAME", Short: "make a one-time link that signs a user in", Args: cli.Exactly(1, "a name"),
		Long: `Link prints a link by which a user signs in once, within 15 minutes, and can set a
new password. It is a secret: whoever has it is that user.

  tccloud user link ada --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		l, err := c.LinkUser(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, l, func(w io.Writer) {
			fmt.Fprintln(w, l.URL)
			fmt.Fprintf(o.Stderr, "good once, until %s\n", operator.Time(l.Expires))
		})
	}
	return cmd
}
