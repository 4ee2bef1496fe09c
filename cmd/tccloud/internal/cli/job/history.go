package job

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func history(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "history NAME", Short: "list a Job's last runs", Args: cli.Exactly(1, "a name"),
		Long: `History lists the last 100 runs, newest first, with what each left for the next one.
"tccloud execution show ID" has more about a run, "tccloud execution logs ID" its output.

  tccloud job history alerts --data DIR
  tccloud job history alerts --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		j, err := c.Job(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, j.History, func(w io.Writer) {
			cli.Table(w, "DUE\tWHY\tOUTCOME\tEXIT\tVERSION\tTRIES\tENDED\tEXECUTION\tLEFT\tMESSAGE", func(row func(...any)) {
				for _, r := range j.History {
					code, left, times := "", "", r.Try
					if r.ExitCode != nil {
						code = strconv.Itoa(*r.ExitCode)
					}
					for _, name := range operator.Sorted(r.Left) {
						left += name + "=" + r.Left[name] + " "
					}
					if r.Order == "" {
						times = r.Times
					}
					row(operator.Time(r.Due), r.Why, r.Outcome, code, r.Version, times, operator.Time(r.Ended), r.Order, left, r.Message)
				}
			})
		})
	}
	return cmd
}
