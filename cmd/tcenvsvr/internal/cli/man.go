package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/help"
)

// manCommand writes the manual pages; the package ships them.
func manCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "write the manual pages into a folder",
		Long:  "Man writes one manual page for each command and each help topic into DIR.\n\n  tcenvsvr man /usr/share/man/man1",
		Args:  cli.Exactly(1, "the folder to write to"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.Folder(args[0]); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			pages, err := help.WriteMan(c.Root(), args[0], build.Version())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(e.Stdout, strings.Join(pages, "\n"))
			return err
		},
	}
}
