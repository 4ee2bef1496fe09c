package server

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func revoke(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke SERVER", Short: "cut a server off for good", Args: cli.Exactly(1, "a server"),
		Long: `Revoke ends a server's session and refuses it from then on, until it gets a new
bundle ("tccloud bundle ENV --server XID"). What it runs is not ended by this: the
cloud gives its orders up when the lease is over.

  tccloud server revoke XID --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, s, err := find(cmd.Context(), o, args[0])
		if err == nil {
			s, err = c.RevokeServer(cmd.Context(), s.XID)
		}
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, s)
	}
	return cmd
}
