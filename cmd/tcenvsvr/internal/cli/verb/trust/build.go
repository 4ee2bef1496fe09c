package trust

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

func build(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "make the trust stores now",
		Long: `Build makes the trust stores from all sources now and prints where they are. The agent does
the same when a source changes and at every job's start; stores that somebody has
damaged are repaired.

  tcenvsvr certs build`,
		Args: verb.Exactly(0, "no arguments"),
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

func export(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "write the trust stores into a folder",
		Long: `Export writes ca-bundle.pem, cacerts.jks and cacerts.p12 with all trusted CAs into a folder, for
programs that Apps have nothing to do with. They do not follow later changes.

  tcenvsvr certs export /opt/certs`,
		Args: verb.Exactly(1, "a folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := open(e)
			if err != nil {
				return err
			}
			h, err := p.sources.Gather(time.Now())
			if err != nil {
				return err
			}
			if err := h.Export(args[0]); err != nil {
				return err
			}
			fmt.Fprintf(e.Stderr, "%d CAs, %d of them private\n", len(h.Roots), len(h.Roots)-h.Public)
			return nil
		},
	}
}
