package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/repository"
)

func updateBundle(e *env) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "bundle REPO -o FILE.zip [VERSION…]",
		Short: "pack releases for clouds and for hosts without a network",
		Long: "Bundle packs the metadata and the programs of some versions, or of all, into one file. \"tccloud release add\" and\n" +
			"\"tcenvsvr update import\" take it; both check what it is signed with.",
		Args: func(c *cobra.Command, args []string) error {
			return exactly(1, "the repository's folder")(c, args[:min(1, len(args))])
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			err = atomicfile.Write(out, 0o644, func(w io.Writer) error { return r.Bundle(c.Context(), w, args[1:]...) })
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(e.stdout, out)
			return err
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "update.zip", "file to write")
	return c
}

func updateList(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "list REPO",
		Short: "show releases, keys and what waits for signatures",
		Args:  exactly(1, "the repository's folder"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := repository.Open(args[0])
			if err != nil {
				return err
			}
			for _, role := range repository.Roles {
				ids, err := r.KeysOf(role)
				if err != nil {
					return err
				}
				for _, id := range ids {
					fmt.Fprintf(e.stdout, "key of %s: %s\n", role, id)
				}
			}
			if err := printStaged(e, r); err != nil {
				return err
			}
			if err := printPublished(e, r); err != nil {
				return err
			}
			seen, err := r.Trusted(c.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "expires: %s\n", seen.Expires.Format("2006-01-02 15:04"))
			for _, rel := range seen.Releases {
				printRelease(e, rel)
			}
			for _, sum := range seen.Revoked {
				fmt.Fprintf(e.stdout, "revoked: sha256 %s\n", sum)
			}
			return nil
		},
	}
}
