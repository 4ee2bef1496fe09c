package server

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func rename(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rename XID NAME", Short: "give a server another name", Args: cli.Exactly(2, "a server's xid and a name"),
		Long: `Rename gives a server another name, by which this cloud shows it from then on. Nothing else
changes: it keeps its xid, its session and its orders. Two servers of an Environment do not have
the same name.

  tccloud server rename XID scanner-2 --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		s, err := c.RenameServer(cmd.Context(), wire.ServerXID(args[0]), args[1])
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, s)
	}
	return cmd
}
