package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/execution"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// lookEvery is how often a run is looked for whose execution does not exist yet.
const lookEvery = 200 * time.Millisecond

func run(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "run NAME", Short: "run a Job now and wait for its end", Args: cli.Exactly(1, "a name"),
		Long: `Run runs a Job now, also one that is paused, with its parameters and what the last run
left, and exits by the outcome. Interrupting this command does not end the execution;
"tccloud execution cancel ID" does. A Job of which a run is under way is refused; of one
that waits to be tried again the next try begins now. Where no server takes it, it waits:
"tccloud execution show ID" and "tccloud server list" say why.

  tccloud job run alerts --data DIR`,
	}
	detach := cmd.Flags().Bool("detach", false, "do not wait: print the execution's id")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		id, err := c.StartJob(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if *detach {
			return cli.Answer(o.Stdout, *asJSON, v1.Started{Execution: id}, func(w io.Writer) { fmt.Fprintln(w, id) })
		}
		end, err := await(cmd.Context(), c, args[0], id)
		if err != nil {
			return err
		}
		if *asJSON {
			err = cli.PrintJSON(o.Stdout, end)
		} else {
			execution.Summary(o.Stdout, end)
		}
		if err != nil {
			return err
		}
		return operator.OutcomeError(wire.Outcome(end.State))
	}
	return o.Command(cmd, operator.RunCodes...)
}

// await waits for the end of a run that was written down, is submitted in a moment, and is noted a
// moment after its end.
func await(ctx context.Context, c *client.Client, name string, id wire.OrderID) (v1.Execution, error) {
	for {
		end, err := c.Wait(ctx, id, func(v1.Execution) {})
		if e, ok := errors.AsType[*v1.Error](err); err != nil && (!ok || e.Code != v1.CodeNotFound) {
			return end, err
		}
		j, gone := c.Job(ctx, name)
		switch {
		case err == nil && (gone != nil || j.Run == nil || j.Run.Order != id || !j.Run.Again.IsZero()):
			return end, nil
		case gone != nil:
			return end, gone
		}
		for _, r := range j.History {
			if r.Order == id && r.Outcome == jobs.Refused {
				return end, errors.New(r.Message)
			}
		}
		select {
		case <-ctx.Done():
			return end, fmt.Errorf("waiting for execution %s: %w", id, context.Cause(ctx))
		case <-time.After(lookEvery):
		}
	}
}
