package updaterepo

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list REPO",
		Short: "show releases, keys and what waits for signatures",
		Args:  cli.Exactly(1, "the repository's folder"),
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
					fmt.Fprintf(c.OutOrStdout(), "key of %s: %s\n", role, id)
				}
			}
			if err := printStaged(c.OutOrStdout(), r); err != nil {
				return err
			}
			if err := printPublished(c.OutOrStdout(), r); err != nil {
				return err
			}
			seen, err := r.Trusted(c.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "expires: %s\n", seen.Expires.Format("2006-01-02 15:04"))
			for _, rel := range seen.Releases {
				printRelease(c.OutOrStdout(), rel)
			}
			for _, sum := range seen.Revoked {
				fmt.Fprintf(c.OutOrStdout(), "revoked: sha256 %s\n", sum)
			}
			return nil
		},
	}
}

// printRelease prints a release and its deltas.
func printRelease(w io.Writer, r release.Release) {
	fmt.Fprintf(w, "%s %s/%s: %d bytes, sha256 %s\n", r.Version, r.OS, r.Arch, r.Size, r.SHA256)
	for _, d := range r.Deltas {
		fmt.Fprintf(w, "  delta from %.8s…: %d bytes\n", d.From, d.Size)
	}
}

// printStaged prints what waits for signatures, and how many it has.
func printStaged(w io.Writer, r *repository.Repository) error {
	staged, err := r.Staged()
	if err != nil {
		return err
	}
	for _, p := range staged {
		fmt.Fprintf(w, "staged: %s %d has %d of %d signatures\n", p.Role, p.Version, p.Signatures, p.Wanted)
	}
	return nil
}

// printPublished prints a note if clients cannot see what is published yet.
func printPublished(w io.Writer, r *repository.Repository) error {
	behind, err := r.Behind()
	if err == nil && behind {
		fmt.Fprintln(w, "published, but not visible yet: sign with the keys of snapshot and timestamp")
	}
	return err
}
