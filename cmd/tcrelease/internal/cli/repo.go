package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcrelease/internal/cli/key"
	"tcenvsvr/packaging"
	"tcenvsvr/packaging/dnf"
)

func repoCommand() *cobra.Command {
	r := dnf.Repository{ID: packaging.Name, Title: "ThreatConnect Environment Server"}
	var k key.Flags
	c := &cobra.Command{
		Use:   "repo --key FILE --url URL DIR",
		Short: "make a signed dnf repository of the rpms in a folder",
		Long: "Repo indexes and signs all .rpm of DIR, old versions too, and writes the public key and a .repo file beside them.\n\n" +
			"  tcrelease repo --key release.key --url https://packages.example.com/envsvr dist\n" +
			"  tcrelease repo --key test.key --url file:///srv/envsvr /srv/envsvr",
		Args: cli.Exactly(1, "the folder with the packages"),
		RunE: func(c *cobra.Command, args []string) error {
			if r.URL == "" {
				return cli.Usage("no --url: hosts must know where the folder will be found")
			}
			key, err := k.Read()
			if err != nil {
				return err
			}
			if err := r.Write(args[0], key); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: signed by %s\n", args[0], key.Fingerprint())
			return nil
		},
	}
	c.Flags().StringVar(&r.URL, "url", "", "address at which hosts will find the folder")
	k.Add(c)
	return c
}
