package certs

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func buildCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "make the trust stores now",
		Long: `Build makes the trust stores from all sources now and prints where they are. The agent does
the same when a source changes and at every job's start; stores that somebody has
damaged are repaired.

  tcenvsvr certs build`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			p, err := open(e)
			if err != nil {
				return err
			}
			if err := p.paths.Create(); err != nil {
				return err
			}
			set, err := certs.New(certs.Config{Dir: p.paths.Trust, Sources: p.sources}).Rebuild()
			if err != nil {
				return err
			}
			for _, file := range set.Files() {
				fmt.Fprintln(e.Stdout, file)
			}
			fmt.Fprintf(e.Stderr, "%d CAs\n", set.Count)
			return nil
		},
	}
}
