package server

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func rename(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rename SERVER NAME", Short: "give a server another name", Args: cli.Exactly(2, "a server and a name"),
		Long: `Rename gives a server another name, by which this cloud shows it from then on. Nothing else
changes: it keeps its xid, its session and its orders. Two servers of an Environment do not have
the same name.

  tccloud server rename XID scanner-2 --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, s, err := find(cmd.Context(), o, args[0])
		if err == nil {
			s, err = c.RenameServer(cmd.Context(), s.XID, args[1])
		}
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, s)
	}
	return cmd
}
