package job

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the Jobs", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows the Jobs: when each runs next, whether a run is under way, and how the last
one ended.

  tccloud job list --data DIR
  tccloud job list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Jobs(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "NAME\tENVIRONMENT\tAPP\tSCHEDULE\tNEXT RUN\tNOW\tLAST RUN", func(row func(...any)) {
				for _, j := range list {
					now, last := "", ""
					switch {
					case j.Run != nil:
						now = "running"
					case j.Paused:
						now = "paused"
					}
					if len(j.History) > 0 {
						last = j.History[0].Outcome + " " + operator.Time(j.History[0].Ended)
					}
					row(j.Name, j.Environment, appName(j), schedule(j), operator.Time(j.Next), now, last)
				}
			})
		})
	}
	return cmd
}
