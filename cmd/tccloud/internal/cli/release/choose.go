package release

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func choose(o *operator.Env) *cobra.Command {
	var q v1.Choose
	var server string
	cmd := &cobra.Command{
		Use: "choose", Short: "pin a server or an Environment, or give it a channel", Args: cli.Exactly(0, "no arguments"),
		Long: `Choose sets what one server or one Environment gets, whatever the rollout says: a
pinned version, or the rollout of another channel. Without --pin and --channel it
takes back what was set.

  tccloud release choose --environment lab --channel beta --data DIR
  tccloud release choose --server XID --pin 1.4.1 --data DIR
  tccloud release choose --server XID --data DIR`,
	}
	cmd.Flags().StringVar(&server, "server", "", "xid of the server")
	cmd.Flags().StringVar(&q.Environment, "environment", "", "name of the Environment")
	cmd.Flags().StringVar(&q.Channel, "channel", "", "channel")
	cmd.Flags().StringVar(&q.Pin, "pin", "", "version")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		q.Server = wire.ServerXID(server)
		if err := q.Check(); err != nil {
			return cli.Misuse(cmd, "%w", err)
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		plan, err := c.Choose(cmd.Context(), q)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, plan, func(w io.Writer) { printPlan(w, plan) })
	}
	return cmd
}
