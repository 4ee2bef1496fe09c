package env

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func activate(o *operator.Env, active bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: "activate NAME", Short: "let its servers connect again", Args: cli.Exactly(1, "a name"),
		Long: `Activate lets the servers of an Environment connect again, which then take the orders
that waited.

  tccloud env activate lab --data DIR`,
	}
	if !active {
		cmd.Use, cmd.Short = "deactivate NAME", "cut its servers off; orders stay queued"
		cmd.Long = `Deactivate ends the sessions of an Environment's servers and opens no others. Apps that
run go on, and their results come when the Environment is active again; orders wait.

  tccloud env deactivate lab --data DIR`
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
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
