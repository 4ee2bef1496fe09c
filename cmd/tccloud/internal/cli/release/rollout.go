package release

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

func rollout(o *operator.Env) *cobra.Command {
	var q v1.NewRollout
	var canaries []string
	var in time.Duration
	cmd := &cobra.Command{
		Use: "rollout VERSION", Short: "offer a release to more servers", Args: cli.Exactly(1, "a version"),
		Long: `Rollout offers a release to its canaries and to a percentage of the channel's other
servers. Begin with canaries, widen with --percent, end with --percent 100. It halts
by itself when the release fails on more servers than --max-failures.

  tccloud release rollout 1.4.2 --canary XID --canary XID --data DIR
  tccloud release rollout 1.4.2 --percent 100 --in 2h --data DIR`,
	}
	channel := cmd.Flags().String("channel", releases.DefaultChannel, "channel")
	cmd.Flags().StringArrayVar(&canaries, "canary", nil, "xid of a server that gets it first; repeatable")
	cmd.Flags().Float64Var(&q.Percent, "percent", 0, "how many of the other servers get it")
	cmd.Flags().DurationVar(&in, "in", 0, "not before so long from now")
	cmd.Flags().IntVar(&q.MaxFailures, "max-failures", 1, "halt when it fails on more servers")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q.Version = args[0]
		if in > 0 {
			q.NotBefore = time.Now().Add(in).UTC()
		}
		for _, xid := range canaries {
			q.Canaries = append(q.Canaries, wire.ServerXID(xid))
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		plan, err := c.Rollout(cmd.Context(), *channel, q)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, plan, func(w io.Writer) { printPlan(w, plan) })
	}
	return cmd
}
