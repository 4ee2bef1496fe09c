package release

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "show releases, rollouts, pins and what runs", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows the releases that this cloud serves, the packages for new hosts, which
servers get which release, and what runs.

  tccloud release list --data DIR
  tccloud release list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		u, err := c.Releases(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, u, func(w io.Writer) {
			printReleases(w, u.Known)
			printPackages(w, u.Packages)
			printPlan(w, u.Plan)
			for _, version := range operator.Sorted(u.Running) {
				fmt.Fprintf(w, "running\t%s on %d servers\n", version, u.Running[version])
			}
		})
	}
	return cmd
}
