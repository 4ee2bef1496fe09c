package env

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func activate(o *operator.Env, active bool) *cobra.Command {
	cmd := &cobra.Command{Use: "activate NAME", Short: "let its servers connect again", Args: cli.Exactly(1, "a name")}
	if !active {
		cmd.Use, cmd.Short = "deactivate NAME", "cut its servers off; orders stay queued"
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect()
		if err != nil {
			return err
		}
		e, err := c.SetActive(cmd.Context(), args[0], active)
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, e)
	}
	return cmd
}
