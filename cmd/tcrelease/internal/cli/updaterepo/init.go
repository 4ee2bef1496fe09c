package updaterepo

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/updater/repository"
)

func initCommand() *cobra.Command {
	o := repository.Offline{Keys: 3, Threshold: 2}
	var keys string
	c := &cobra.Command{
		Use:   "init REPO --keys DIR",
		Short: "make a repository without releases, and its keys",
		Long: "Init makes the keys root-N.pem and targets-N.pem, which belong off line and with different people, and snapshot.pem and\n" +
			"timestamp.pem, which sign daily. Packages trust the root.json: tcrelease package --root REPO/metadata/1.root.json",
		Args: cli.Exactly(1, "the folder of the new repository"),
		RunE: func(c *cobra.Command, args []string) error {
			if keys == "" {
				return cli.Usage("no --keys: say where the keys go, outside of the repository")
			}
			if _, err := repository.Init(args[0], keys, o); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %d of %d keys sign for root and targets\n", args[0], o.Threshold, o.Keys)
			made, err := os.ReadDir(keys)
			if err != nil {
				return err
			}
			for _, k := range made {
				fmt.Fprintln(c.OutOrStdout(), filepath.Join(keys, k.Name()))
			}
			return nil
		},
	}
	c.Flags().StringVar(&keys, "keys", "", "folder for the keys; nothing in it is replaced")
	c.Flags().IntVar(&o.Keys, "offline", o.Keys, "how many keys root and targets have each")
	c.Flags().IntVar(&o.Threshold, "threshold", o.Threshold, "how many of them must sign")
	return c
}
