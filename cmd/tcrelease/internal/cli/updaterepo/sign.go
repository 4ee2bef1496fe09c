package updaterepo

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/updater/repository"
)

func signCommand() *cobra.Command {
	var s signers
	c := &cobra.Command{
		Use:   "sign REPO --key FILE…",
		Short: "sign what is staged; the last signature publishes it",
		Long: "Sign adds signatures to what is staged, and publishes what has enough. With the keys of snapshot and timestamp it also\n" +
			"makes published changes visible and their signatures last longer: do that daily, or leave it to tccloud.",
		Args: cli.Exactly(1, "the repository's folder"),
		RunE: func(c *cobra.Command, args []string) error {
			if s.dir == "" && len(s.files) == 0 {
				return cli.Usage("no keys: give --key FILE or --keys DIR")
			}
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			if err := s.sign(c.OutOrStdout(), r); err != nil {
				return err
			}
			return printPublished(c.OutOrStdout(), r)
		},
	}
	s.add(c)
	return c
}
