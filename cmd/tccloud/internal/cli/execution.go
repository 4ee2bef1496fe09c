package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

func newExecution(env *Env) *cobra.Command {
	return operator(env, group("execution", "see and cancel executions",
		`Execution shows what became of orders. It names parameters and never shows
their values. "tcenvsvr help errors" explains what stands as error.

  tccloud execution list --env lab --state running --data DIR
  tccloud execution logs ID --follow --data DIR

Exit codes:
`+codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
		newExecutionList(env), newExecutionShow(env), newExecutionCancel(env), newExecutionLogs(env),
		newExecutionOutputs(env), newExecutionDownload(env)))
}

func newExecutionList(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "list executions, newest first", Args: exactly()}
	environment := cmd.Flags().String("env", "", "only of this Environment")
	state := cmd.Flags().String("state", "", "only in this state or with this outcome")
	limit := cmd.Flags().Int("limit", 100, "at most so many")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		list, end, err := c.Executions(cmd.Context(), *environment, wire.State(*state), *limit)
		if err != nil {
			return err
		}
		return env.answer(*json, list, func(w io.Writer) {
			table(w, "ID\tENVIRONMENT\tAPP\tSTATE\tSERVER\tCREATED\tMESSAGE", func(row func(...any)) {
				for _, x := range list {
					row(x.ID, x.Environment, x.App.Name+"@"+x.App.Version, x.State, x.ServerName, clock(x.Created), x.Message)
				}
			})
			if note := listEnd(end, *limit); note != "" {
				fmt.Fprintln(env.Stderr, note)
			}
		})
	}
	return cmd
}

// listEnd says why a list may not be all there is.
func listEnd(end string, limit int) string {
	since, err := time.Parse(time.RFC3339, end)
	switch {
	case end == v1.EndLimit:
		return fmt.Sprintf("these are the newest %d; --limit gives more", limit)
	case err == nil:
		return fmt.Sprintf("the list ends at %s; executions that ended before are shown by \"execution show ID\"", clock(since))
	}
	return ""
}

func newExecutionShow(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "show one execution", Args: exactly("ID")}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		x, err := c.Execution(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		return env.answer(*json, x, func(w io.Writer) { summary(w, x) })
	}
	return cmd
}

func newExecutionCancel(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "cancel ID", Short: "end an execution", Args: exactly("ID")}
	reason := cmd.Flags().String("reason", "", "why, for people")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		x, err := c.Cancel(cmd.Context(), wire.OrderID(args[0]), *reason)
		if err != nil {
			return err
		}
		return env.answer(*json, x, func(w io.Writer) { summary(w, x) })
	}
	return cmd
}

func newExecutionLogs(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "logs ID", Short: "show the App's output", Args: exactly("ID"),
		Long: `Logs prints what the App wrote: its stdout on stdout, stderr and its own
logs on stderr. With --stream one of them alone comes on stdout; api is what the App
shipped itself (tc_log_to_api).

  tccloud execution logs ID --follow --data DIR
  tccloud execution logs ID --stream app --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	stream := cmd.Flags().String("stream", "", "stdout, stderr, app or api")
	attempt := cmd.Flags().Int("attempt", 0, "of this attempt, default the current one")
	follow := cmd.Flags().BoolP("follow", "f", false, "go on until the execution has ended")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		id, q := wire.OrderID(args[0]), client.LogQuery{Stream: wire.Stream(*stream), Attempt: wire.Attempt(*attempt)}
		write := func(chunk v1.Chunk) error {
			w := env.Stderr
			if chunk.Stream == wire.Stdout || *stream != "" {
				w = env.Stdout
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

func newExecutionOutputs(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "outputs ID", Short: "show the Playbook variables it wrote", Args: exactly("ID")}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		outputs, err := c.Outputs(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		return env.answer(*json, outputs, func(w io.Writer) {
			for _, name := range sorted(outputs) {
				fmt.Fprintf(w, "%s = %s\n", printable(name), printable(string(outputs[name])))
			}
		})
	}
	return cmd
}
