package updaterepo

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/updater/repository"
)

func bundleCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "bundle REPO -o FILE.zip [VERSION…]",
		Short: "pack releases for clouds and for hosts without a network",
		Long: "Bundle packs the metadata and the programs of some versions, or of all, into one file. \"tccloud release add\" and\n" +
			"\"tcenvsvr update import\" take it; both check what it is signed with.",
		Args: cli.AtLeast(1, "the repository's folder, and versions where not all are wanted"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			err = atomicfile.Write(out, 0o644, func(w io.Writer) error { return r.Bundle(c.Context(), w, args[1:]...) })
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), out)
			return err
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "update.zip", "file to write")
	return c
}
