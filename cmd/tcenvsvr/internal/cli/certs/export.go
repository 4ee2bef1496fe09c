package certs

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func exportCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "write the trust stores into a folder",
		Long: `Export writes ca-bundle.pem, cacerts.jks and cacerts.p12 with all trusted CAs into a folder, for
programs that Apps have nothing to do with. They do not follow later changes.

  tcenvsvr certs export /opt/certs`,
		Args: cli.Exactly(1, "a folder"),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := trustedByOwner(e, c)
			if err != nil {
				return err
			}
			if err := e.Folder(args[0]); err != nil {
				return fmt.Errorf("exporting trust stores to %q: %w", args[0], err)
			}
			if err := certs.Export(args[0], list); err != nil {
				return err
			}
			fmt.Fprintf(e.Stderr, "%d CAs\n", len(list))
			return nil
		},
	}
}
