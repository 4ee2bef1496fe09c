package execution

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list executions, newest first", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows executions, the newest first, by when they were created. --state takes a
state (queued, delivered, accepted, preparing, running), an outcome (succeeded, partial,
failed, cancelled, timed_out, interrupted, rejected), or active or ended for all of these.
--search looks for a text in the id, the names of App and Job, and what the App or the
cloud said at the end.

  tccloud execution list --env lab --since 7d --state failed --data DIR
  tccloud execution list --app hello@1.0.0 --search timeout --limit 0 --json --data DIR`,
	}
	var q client.ExecutionQuery
	var since, until operator.Since
	var state string
	f := cmd.Flags()
	f.StringVar(&q.Environment, "env", "", "only of this Environment")
	f.StringVar(&state, "state", "", "only in this state or with this outcome")
	f.StringVar(&q.App, "app", "", "only of this App: NAME or NAME@VERSION")
	f.StringVar(&q.Server, "server", "", "only of this server: its XID or name")
	f.Var(&since, "since", "only created then or later: a time, or how long ago, as 90m or 7d")
	f.Var(&until, "until", "only created before: the same")
	f.StringVar(&q.Text, "search", "", "only with this text")
	limit := f.Int("limit", 100, "at most so many, 0 = all")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *limit < 0 {
			return cli.Misuse(cmd, "--limit is negative")
		}
		q.State, q.Since, q.Until = wire.State(state), since.Time, until.Time
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, more, err := executions(cmd.Context(), c, q, *limit)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "ID\tENVIRONMENT\tAPP\tSTATE\tSERVER\tCREATED\tMESSAGE", func(row func(...any)) {
				for _, x := range list {
					row(x.ID, x.Environment, x.App.Name+"@"+x.App.Version, x.State, x.ServerName, operator.Time(x.Created), x.Message)
				}
			})
			if more {
				fmt.Fprintf(o.Stderr, "these are the newest %d; --limit gives more\n", len(list))
			}
		})
	}
	return cmd
}

// most is the largest page.
const most = 1000

// executions reads page after page until there are so many, 0 = all, and reports whether there may
// be more.
func executions(ctx context.Context, c *client.Client, q client.ExecutionQuery, limit int) (list []v1.Execution, more bool, err error) {
	list = []v1.Execution{}
	for {
		q.Limit = most
		if limit > 0 {
			q.Limit = min(most, limit-len(list))
		}
		page, next, err := c.Executions(ctx, q)
		if err != nil {
			return nil, false, err
		}
		list, q.Cursor = append(list, page...), next
		if next == "" || limit > 0 && len(list) >= limit {
			return list, next != "", nil
		}
	}
}
