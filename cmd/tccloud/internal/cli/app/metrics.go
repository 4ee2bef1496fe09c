package app

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func metrics(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "metrics NAME ENV", Short: "show what an App has counted", Args: cli.Exactly(2, "an App and an Environment"),
		Long: `Metrics shows the metrics that the executions of an App in an Environment have sent to
/v2/customMetrics, newest first: what the values of a period come to by the metric's
type, and how many there were. A cloud with "serve --platform" passes them on: that
platform shows them.

  tccloud app metrics Alerts lab --data DIR
  tccloud app metrics Alerts lab --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Metrics(cmd.Context(), args[0], args[1])
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "METRIC\tINTERVAL\tFROM\tKEY\tTYPE\tVALUE\tCOUNT", func(row func(...any)) {
				for _, m := range list {
					for _, v := range m.Values {
						row(m.Name, m.Interval, operator.Time(v.Period), v.Key, m.Type, strconv.FormatFloat(v.Value, 'g', -1, 64), v.Count)
					}
				}
			})
		})
	}
	return cmd
}
