package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	update "tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

func updateAdd(e *env) *cobra.Command {
	rel := update.Release{}
	var olds []string
	var s signers
	c := &cobra.Command{
		Use:   "add REPO PROGRAM --version VERSION",
		Short: "stage a release of a program for one platform",
		Long: "Add stages a program as the release of a version. It must be the one of the package of that version. Deltas are made from\n" +
			"the programs of --delta-from, and left out where they save less than half.",
		Args: exactly(2, "the repository's folder and the program"),
		RunE: func(_ *cobra.Command, args []string) error {
			if rel.Version == "" {
				return usageError{fmt.Errorf("no --version of %q", args[1])}
			}
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			made, err := r.Add(args[1], rel, olds...)
			if err != nil {
				return err
			}
			printRelease(e, made)
			return s.sign(e, r)
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

func addPlatform(c *cobra.Command, rel *update.Release) {
	c.Flags().StringVar(&rel.Version, "version", "", "semantic version, e.g. 1.4.2")
	c.Flags().StringVar(&rel.OS, "os", "linux", "system, as Go names it")
	c.Flags().StringVar(&rel.Arch, "arch", runtime.GOARCH, "processor, as Go names it")
}

func updateRevoke(e *env) *cobra.Command {
	rel := update.Release{}
	var s signers
	c := &cobra.Command{
		Use:   "revoke REPO --version VERSION",
		Short: "stage that a release must not run any more",
		Long: "Revoke takes a release out of the repository and tells servers that run it to go back to the one before.\n" +
			"The version is not used again.",
		Args: exactly(1, "the repository's folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			if err := r.Revoke(rel.Version, rel.OS, rel.Arch); err != nil {
				return err
			}
			return s.sign(e, r)
		},
	}
	addPlatform(c, &rel)
	s.add(c)
	return c
}

func printRelease(e *env, r update.Release) {
	fmt.Fprintf(e.stdout, "%s %s/%s: %d bytes, sha256 %s\n", r.Version, r.OS, r.Arch, r.Size, r.SHA256)
	for _, d := range r.Deltas {
		fmt.Fprintf(e.stdout, "  delta from %.8s…: %d bytes\n", d.From, d.Size)
	}
}
