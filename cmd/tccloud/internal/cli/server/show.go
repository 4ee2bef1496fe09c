package server

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func show(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show SERVER", Short: "show one server", Args: cli.Exactly(1, "a server"),
		Long: `Show prints one server: its host, its certificate, and the fingerprint of the key to
which parameters are sealed. Before you seal to it, compare that with what
"tcenvsvr keychain status" shows on the server itself.

  tccloud server show XID --data DIR
  tccloud server show XID --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		_, s, err := find(cmd.Context(), o, args[0])
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, s)
	}
	return cmd
}
