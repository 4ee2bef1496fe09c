package app

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func add(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "add FILE", Short: "add a package (.tcx)", Args: cli.Exactly(1, "a file")}
	replace := cmd.Flags().Bool("replace", false, "replace the same version with other content")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := os.Open(args[0])
		if err != nil {
			return fmt.Errorf("reading the App: %w", err)
		}
		defer f.Close()
		c, err := o.Connect()
		if err != nil {
			return err
		}
		a, err := c.AddApp(cmd.Context(), f, *replace)
		if err != nil {
			return fmt.Errorf("adding App %q: %w", args[0], err)
		}
		return cli.Answer(o.Stdout, *asJSON, a, func(w io.Writer) {
			cli.Facts(w, "name", a.Name, "version", a.Version, "language", a.Language, "runtime level", a.RuntimeLevel,
				"size", a.Size, "sha256", a.SHA256, "parameters", params(a))
		})
	}
	return cmd
}

func params(a v1.App) string {
	var names []string
	for _, p := range a.Params {
		if p.Required {
			p.Name += " (required)"
		}
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
