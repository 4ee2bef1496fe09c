package release

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
)

func add(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "add FILE...", Short: "serve updates of a bundle, or packages", Args: cli.AtLeast(1, "one file or more"),
		Long: `Add takes the bundle of "tcrelease update-repo", whose releases servers can then
update to, and packages of "tcrelease package" (rpm, deb, tar.gz, zip), which new hosts
install: "tccloud bundle" puts them into bundles, byte by byte. Packages keep the names
that they were made with.

  tccloud release add update-1.4.2.zip --data DIR
  tccloud release add dist/*.rpm dist/*.deb --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		added := struct {
			*releases.Known
			Packages []v1.Package `json:"packages,omitempty"`
		}{}
		for _, file := range args {
			known, p, err := addFile(cmd.Context(), c, file)
			if err != nil {
				return fmt.Errorf("adding release %q: %w", file, err)
			}
			if known != nil {
				added.Known = known
				continue
			}
			added.Packages = append(added.Packages, p)
			if (p.System == "rpm" || p.System == "deb") && !p.Signed {
				fmt.Fprintf(o.Stderr, "%s is not signed: hosts cannot check where it comes from\n", p.Name)
			}
		}
		return cli.Answer(o.Stdout, *asJSON, added, func(w io.Writer) {
			if added.Known != nil {
				printReleases(w, *added.Known)
			}
			printPackages(w, added.Packages)
		})
	}
	return cmd
}

// addFile sends a file as a package or as a bundle of updates, whichever it is.
func addFile(ctx context.Context, c *client.Client, file string) (*releases.Known, v1.Package, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, v1.Package{}, err
	}
	defer f.Close()
	if name := filepath.Base(file); packages.Named(name) && !updates(file) {
		p, err := c.AddPackage(ctx, name, f)
		return nil, p, err
	}
	known, err := c.ImportReleases(ctx, f)
	return &known, v1.Package{}, err
}

// updates reports whether a file is a bundle of updates, which may have any name.
func updates(file string) bool {
	z, err := zip.OpenReader(file)
	if err != nil {
		return false
	}
	defer func() { _ = z.Close() }()
	_, err = z.Open("metadata/timestamp.json")
	return err == nil
}
