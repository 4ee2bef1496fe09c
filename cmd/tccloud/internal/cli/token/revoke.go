package token

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func revoke(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke ID", Aliases: []string{"rm"}, Short: "make a token worthless", Args: cli.Exactly(1, "an id"),
		Long: `Revoke makes a token worthless, at all gateways, and ends the logs that are followed
with it. "tccloud token list" has its id.

  tccloud token revoke 2jq5o3xw6r7m4kdn --data DIR`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.RevokeAPIToken(cmd.Context(), args[0])
	}
	return cmd
}
