package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// wait is a command's choice to wait.
type wait struct {
	on      bool
	timeout time.Duration
}

func addWait(cmd *cobra.Command, until string) *wait {
	var w wait
	cmd.Flags().BoolVar(&w.on, "wait", false, "wait "+until)
	cmd.Flags().DurationVar(&w.timeout, "timeout", 0, "with --wait: fail after so long (default: wait on)")
	return &w
}

func (w *wait) check(cmd *cobra.Command) error {
	if w.timeout < 0 || w.timeout > 0 && !w.on {
		return cli.Misuse(cmd, "--timeout is how long --wait may take")
	}
	return nil
}

// errTimeout ends a wait.
var errTimeout = errors.New("--timeout is over")

// pollEvery is how often the cloud is asked.
const pollEvery = 500 * time.Millisecond

// until waits until done reports an empty text about a server, which says what it waits for. A cloud
// that does not answer is asked again. It returns the server as it is then.
func (w *wait) until(ctx context.Context, log io.Writer, c *client.Client, s v1.Server, done func(context.Context, *client.Client, v1.Server) (string, error)) (v1.Server, error) {
	if w.timeout > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeoutCause(ctx, w.timeout, errTimeout)
		defer cancel()
	}
	said := ""
	for {
		now, err := c.Server(ctx, s.XID)
		waits := ""
		if err == nil {
			waits, err = done(ctx, c, now)
		}
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
			if said != "" {
				err = fmt.Errorf("%s: %w", said, err)
			}
			return s, err
		case errors.Is(err, client.ErrUnreachable):
			waits = "the cloud does not answer"
		case err != nil:
			return s, err
		case waits == "":
			return now, nil
		}
		if waits != said {
			said = waits
			fmt.Fprintf(log, "waiting: %s\n", said)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

// drained is done when no App runs on a server that takes none. The server itself has to say that it
// takes none: until then an order may be on its way.
func drained(ctx context.Context, c *client.Client, s v1.Server) (string, error) {
	name := plain.Line(s.Name)
	switch {
	case s.Drain == nil:
		return "", fmt.Errorf("server %q is not drained any more: somebody resumed it, or the time is over", name)
	case s.Session != nil && (s.Session.Info == nil || !s.Session.Info.Draining):
		return name + " has not said yet that it takes no orders", nil
	}
	n := 0
	q := client.ExecutionQuery{Server: string(s.XID), State: "active"}
	for {
		page, next, err := c.Executions(ctx, q)
		if err != nil {
			return "", err
		}
		for _, x := range page {
			if x.Server == s.XID && x.State != wire.StateQueued && !x.Runtime.Service() {
				n++
			}
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	switch {
	case n == 0:
		return "", nil
	case s.Session == nil:
		return fmt.Sprintf("%s is away; executions there that have not ended: %d", name, n), nil
	}
	return fmt.Sprintf("executions on %s that have not ended: %d", name, n), nil
}

// resumed is done when a server says that it takes orders, or will learn of it when it comes.
func resumed(_ context.Context, _ *client.Client, s v1.Server) (string, error) {
	if s.Session != nil && s.Session.Info != nil && s.Session.Info.Draining {
		return plain.Line(s.Name) + " has not said yet that it takes orders", nil
	}
	return "", nil
}

// restarted is done when a server has another session than before.
func restarted(before v1.Server) func(context.Context, *client.Client, v1.Server) (string, error) {
	return func(_ context.Context, _ *client.Client, s v1.Server) (string, error) {
		if s.Session != nil && (before.Session == nil || s.Session.Epoch != before.Session.Epoch) {
			return "", nil
		}
		return plain.Line(s.Name) + " is not back yet", nil
	}
}
