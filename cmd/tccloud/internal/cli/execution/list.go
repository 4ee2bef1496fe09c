package execution

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list executions, newest first", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows executions, the newest first. --state takes a state (queued, delivered,
accepted, preparing, running) or an outcome (succeeded, partial, failed, cancelled,
timed_out, interrupted, rejected).

  tccloud execution list --env lab --data DIR
  tccloud execution list --state running --limit 10 --json --data DIR`,
	}
	environment := cmd.Flags().String("env", "", "only of this Environment")
	state := cmd.Flags().String("state", "", "only in this state or with this outcome")
	limit := cmd.Flags().Int("limit", 100, "at most so many")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, end, err := c.Executions(cmd.Context(), *environment, wire.State(*state), *limit)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "ID\tENVIRONMENT\tAPP\tSTATE\tSERVER\tCREATED\tMESSAGE", func(row func(...any)) {
				for _, x := range list {
					row(x.ID, x.Environment, x.App.Name+"@"+x.App.Version, x.State, x.ServerName, operator.Time(x.Created), x.Message)
				}
			})
			if note := listEnd(end, *limit); note != "" {
				fmt.Fprintln(o.Stderr, note)
			}
		})
	}
	return cmd
}

// listEnd returns a note if the list may not be complete.
func listEnd(end string, limit int) string {
	since, err := time.Parse(time.RFC3339, end)
	switch {
	case end == v1.EndLimit:
		return fmt.Sprintf("these are the newest %d; --limit gives more", limit)
	case err == nil:
		return fmt.Sprintf("the list ends at %s; executions that ended before are shown by \"execution show ID\"", operator.Time(since))
	}
	return ""
}
