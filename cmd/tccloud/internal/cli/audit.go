package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func auditCommand(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "show who did what, and who was refused", Args: cli.Exactly(0, "no arguments"),
		Long: `Audit shows what was done through the cloud's API and console and who signed in, the
newest first: when, who, how that was verified, from which address, and what came of it.
Reading is not recorded, nor is what was sent. Of refusals each gateway writes a few at
once and one a minute; "+9" counts those that were left out before.

Entries are kept for a year, or as many as fit into a sixteenth of the cloud's disk (1 GB
at most). Orders are in the log a moment after they were taken.

  tccloud audit --data DIR
  tccloud audit --limit 1000 --json --data DIR`,
	}
	limit := cmd.Flags().Int("limit", 100, "most entries shown, up to 1000")
	before := cmd.Flags().String("before", "", "show those before the entry with this id")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *limit < 1 || *limit > 1000 {
			return cli.Misuse(cmd, "--limit is 1 to 1000")
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Audit(cmd.Context(), *before, *limit)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "TIME\tWHO\tHOW\tFROM\tACTION\tOUTCOME", func(row func(...any)) {
				for _, e := range list {
					outcome := e.Outcome
					if e.LeftOut > 0 {
						outcome += fmt.Sprintf(" +%d", e.LeftOut)
					}
					row(operator.Time(e.Time), e.Who, e.How, e.From, e.Action, outcome)
				}
			})
			if len(list) == *limit {
				fmt.Fprintf(o.Stderr, "older ones: --before %s\n", list[len(list)-1].ID)
			}
		})
	}
	return o.Command(cmd)
}
