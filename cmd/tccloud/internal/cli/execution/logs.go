package execution

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
)

func logs(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "logs ID", Short: "show the App's output", Args: cli.Exactly(1, "an execution's id"),
		Long: `Logs prints what the App wrote: its stdout on stdout, stderr and its own
logs on stderr. With --stream one of them alone comes on stdout; api is what the App
shipped itself (tc_log_to_api).

  tccloud execution logs ID --follow --data DIR
  tccloud execution logs ID --stream app --data DIR`,
	}
	stream := cmd.Flags().String("stream", "", "stdout, stderr, app or api")
	attempt := cmd.Flags().Int("attempt", 0, "of this attempt, default the current one")
	follow := cmd.Flags().BoolP("follow", "f", false, "go on until the execution has ended")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		id, q := wire.OrderID(args[0]), client.LogQuery{Stream: wire.Stream(*stream), Attempt: wire.Attempt(*attempt)}
		write := func(chunk v1.Chunk) error {
			w := o.Stderr
			if chunk.Stream == wire.Stdout || *stream != "" {
				w = o.Stdout
			}
			_, err := w.Write(chunk.Data)
			return err
		}
		if *follow && q.Stream != v1.StreamAPI {
			return c.Follow(cmd.Context(), id, q, write)
		}
		for chunk, err := range c.Logs(cmd.Context(), id, q) {
			if err == nil {
				err = write(chunk)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}
