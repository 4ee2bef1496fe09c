package env

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func history(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "history NAME", Short: "show what happened, hour by hour", Args: cli.Exactly(1, "a name"),
		Long: `History shows what happened in an Environment in each of the last hours, the oldest first:
executions created, ended and failed, orders given to servers (messages), how long these
waited in the queue and how long a server took to answer, both as means.

  tccloud env history lab --data DIR
  tccloud env history lab --hours 720 --json --data DIR`,
	}
	hours := cmd.Flags().Int("hours", 24, "so many, 1-720")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.History(cmd.Context(), args[0], *hours)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "FROM\tEXECUTIONS\tENDED\tFAILED\tMESSAGES\tQUEUE WAIT\tROUND TRIP", func(row func(...any)) {
				for _, h := range list {
					row(operator.Time(h.From), h.Created, h.Ended, h.Failed, h.Messages, ms(h.QueueWaitMS, h.Messages), ms(h.RoundTripMS, h.Messages))
				}
			})
		})
	}
	return cmd
}

// ms shows a mean of n, and nothing of none.
func ms(mean float64, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", mean)
}
