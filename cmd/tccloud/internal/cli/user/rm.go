package user

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME", Aliases: []string{"remove", "delete"}, Short: "remove a user", Args: cli.Exactly(1, "a name"),
		Long: `Rm removes a user, who is signed out everywhere. The audit log keeps the name. API
tokens belong to nobody and stay: "tccloud token revoke". The last administrator who can
sign in is not removed.

  tccloud user rm ada --data DIR`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.RemoveUser(cmd.Context(), args[0])
	}
	return cmd
}
