package artifact

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/platform/batch"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list ID", Short: "list them with their counts", Args: cli.Exactly(1, "an execution's id"),
		Long: `List shows what an execution handed to the platform: of a batch how many indicators
and groups were accepted, rejected, and not processed because an error halted it. --errors
adds why, for the first 500 of each batch.

  tccloud execution artifact list ID --data DIR
  tccloud execution artifact list ID --errors --data DIR`,
	}
	reasons := cmd.Flags().Bool("errors", false, "say why entries were rejected")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		all, err := c.Artifacts(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, all, func(w io.Writer) {
			cli.Table(w, "N\tKIND\tATTEMPT\tSTATE\tCREATED\tOWNER\tACCEPTED\tREJECTED\tUNPROCESSED\tBYTES\tMESSAGE", func(row func(...any)) {
				for _, a := range all {
					r := a.Report
					if r == nil {
						r = new(batch.Report)
					}
					row(a.ID, a.Kind, a.Attempt, a.State, operator.Time(a.Created), a.Owner, r.Indicators.Accepted+r.Groups.Accepted,
						r.Rejected(), r.Indicators.Unprocessed+r.Groups.Unprocessed, a.Size, plain.Head(a.Message, 60))
				}
			})
			if *reasons {
				printErrors(w, all)
			}
		})
	}
	return cmd
}

func printErrors(w io.Writer, all []v1.Artifact) {
	for _, a := range all {
		if a.Report == nil {
			continue
		}
		for _, e := range a.Report.Errors {
			fmt.Fprintf(w, "%d: %s: %s (%s)\n", a.ID, e.Source, e.Reason, e.Code)
		}
		if more := a.Report.Rejected() - len(a.Report.Errors); more > 0 {
			fmt.Fprintf(w, "%d: and %d more\n", a.ID, more)
		}
	}
}
