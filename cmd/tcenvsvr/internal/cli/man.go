package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// man writes the manual pages; the package ships them.
func manCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "write the manual pages into a folder",
		Long:  "Man writes one manual page for each command into DIR.\n\n  tcenvsvr man /usr/share/man/man1",
		Args:  cli.Exactly(1, "the folder to write to"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.Folder(args[0]); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			c.Root().DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "TCENVSVR", Section: "1", Source: "tcenvsvr " + build.Version(), Manual: "Environment Server"}
			if err := doc.GenManTree(c.Root(), header, args[0]); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			pages, err := filepath.Glob(filepath.Join(args[0], "tcenvsvr*.1"))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(e.Stdout, strings.Join(pages, "\n"))
			return err
		},
	}
}
