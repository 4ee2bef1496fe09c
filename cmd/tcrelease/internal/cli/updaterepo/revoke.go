package updaterepo

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

func revokeCommand() *cobra.Command {
	rel := release.Release{}
	var s signers
	c := &cobra.Command{
		Use:   "revoke REPO --version VERSION",
		Short: "stage that a release must not run any more",
		Long: "Revoke takes a release out of the repository and tells servers that run it to go back to the one before.\n" +
			"The version is not used again.",
		Args: cli.Exactly(1, "the repository's folder"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			if err := r.Revoke(rel.Version, rel.OS, rel.Arch); err != nil {
				return err
			}
			return s.sign(c.OutOrStdout(), r)
		},
	}
	addPlatform(c, &rel)
	s.add(c)
	return c
}
