package release

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm PACKAGE", Aliases: []string{"remove", "delete"}, Short: "forget a package", Args: cli.Exactly(1, "a package's name"),
		Long: `Rm takes a package away from new bundles. Bundles that were made have it, and servers
that run it go on; an update that must not run any more is revoked by "tcrelease
update-repo revoke".

  tccloud release rm threatconnect-envsvr-1.4.2-1.x86_64.rpm --data DIR`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.RemovePackage(cmd.Context(), args[0])
	}
	return cmd
}
