package updaterepo

import (
	"runtime"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

func addCommand() *cobra.Command {
	rel := release.Release{}
	var olds []string
	var s signers
	c := &cobra.Command{
		Use:   "add REPO PROGRAM --version VERSION",
		Short: "stage a release of a program for one platform",
		Long: "Add stages a program as the release of a version. It must be the one of the package of that version. Deltas are made from\n" +
			"the programs of --delta-from, and left out where they save less than half.",
		Args: cli.Exactly(2, "the repository's folder and the program"),
		RunE: func(c *cobra.Command, args []string) error {
			if rel.Version == "" {
				return cli.Usage("no --version of %q", args[1])
			}
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			made, err := r.Add(args[1], rel, olds...)
			if err != nil {
				return err
			}
			printRelease(c.OutOrStdout(), made)
			return s.sign(c.OutOrStdout(), r)
		},
	}
	addPlatform(c, &rel)
	f := c.Flags()
	f.StringVar(&rel.MinFrom, "min-from", "", "oldest version that may change to this one directly")
	f.StringVar(&rel.Severity, "severity", "", "security or critical, for people to see")
	f.StringArrayVar(&olds, "delta-from", nil, "older program to make a delta from; may be given more than once")
	s.add(c)
	return c
}

func addPlatform(c *cobra.Command, rel *release.Release) {
	c.Flags().StringVar(&rel.Version, "version", "", "semantic version, e.g. 1.4.2")
	c.Flags().StringVar(&rel.OS, "os", "linux", "system, as Go names it")
	c.Flags().StringVar(&rel.Arch, "arch", runtime.GOARCH, "processor, as Go names it")
}
