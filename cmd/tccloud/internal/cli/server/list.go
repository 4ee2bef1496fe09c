package server

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list [ENV]", Short: "list the servers", Args: cli.AtMost(1, "at most one Environment"),
		Long: `List shows the servers of all Environments or of one: whether they are connected, what
they run, and until when their certificates are valid. Unknown is a server whose gateway is silent:
perhaps it is connected there. After a lease without a word it is away.

  tccloud server list --data DIR
  tccloud server list lab --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Servers(cmd.Context(), append(args, "")[0])
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "XID\tNAME\tENVIRONMENT\tSTATE\tVERSION\tCERTIFICATE UNTIL", func(row func(...any)) {
				for _, s := range list {
					if s.Twin != nil {
						fmt.Fprintf(o.Stderr, "%d hosts run as server %s: \"tccloud server show %s\" says which\n", 1+len(s.Twin.Others), s.XID, s.XID)
					}
					row(s.XID, s.Name, s.Environment, state(s), version(s), s.CertificateExpires.Format(time.DateOnly))
				}
			})
		})
	}
	return cmd
}

func version(s v1.Server) string {
	if s.Session == nil {
		return ""
	}
	return s.Session.Version
}
