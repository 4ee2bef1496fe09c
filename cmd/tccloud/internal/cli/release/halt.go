package release

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

func halt(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "halt", Short: "offer the release to nobody else", Args: cli.Exactly(0, "no arguments"),
		Long: `Halt offers the release of a channel to no further server. Servers that have it keep
it; "tccloud release rollout" goes on with this or another release.

  tccloud release halt --data DIR
  tccloud release halt --channel beta --reason "crashes on EL 8" --data DIR`,
	}
	channel := cmd.Flags().String("channel", releases.DefaultChannel, "channel")
	reason := cmd.Flags().String("reason", "by an operator", "why, for those who ask")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		plan, err := c.Halt(cmd.Context(), *channel, *reason)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, plan, func(w io.Writer) { printPlan(w, plan) })
	}
	return cmd
}
