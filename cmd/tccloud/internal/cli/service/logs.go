package service

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/execution"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func logs(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "logs NAME", Short: "show the output of a service's App", Args: cli.Exactly(1, "a name"),
		Long: `Logs prints what the App of the instance that serves has written, or, where there is none,
of the last one. "tccloud service show" names the execution; "tccloud execution logs" has
more to choose from.

  tccloud service logs lookup --follow --data DIR`,
	}
	follow := cmd.Flags().BoolP("follow", "f", false, "go on until the instance has ended")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		s, err := c.Service(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		switch {
		case s.Instance != nil:
			return execution.Print(cmd.Context(), o, c, s.Instance.Order, *follow)
		case len(s.Ends) > 0 && s.Ends[0].Order != "":
			return execution.Print(cmd.Context(), o, c, s.Ends[0].Order, false)
		}
		return fmt.Errorf("service %q has not been started yet", args[0])
	}
	return cmd
}

func events(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "events NAME", Short: "list the events that a service's triggers fired", Args: cli.Exactly(1, "a name"),
		Long: `Events lists what the triggers of a service fired, newest first, and the execution that each
event started. A line with a number of lost events stands where the server could not keep
them. Events stay for seven days.

  tccloud service events watcher --data DIR
  tccloud service events watcher -n 1000 --json --data DIR`,
	}
	most := cmd.Flags().IntP("number", "n", 100, "how many, 1–1000")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.ServiceEvents(cmd.Context(), args[0], *most)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "AT\tTRIGGER\tSERVER\tSTARTED\tLOST\tPROBLEM", func(row func(...any)) {
				for _, e := range list {
					lost := ""
					if e.Lost > 0 {
						lost = fmt.Sprintf("%d events: %s", e.Lost, e.Reason)
					}
					row(operator.Time(e.At), e.Trigger, e.Server, e.Started, lost, e.Problem)
				}
			})
		})
	}
	return cmd
}

func token(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "token NAME", Short: "make a new token for callers of an API service", Args: cli.Exactly(1, "a name"),
		Long: `Token makes a new token for those who call the API, and prints it once. The one before
opens nothing any more, and a service that everybody could call asks for it from now on.

  tccloud service token lookup --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		t, err := c.ServiceToken(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, t, func(w io.Writer) { fmt.Fprintln(w, t.Token) })
	}
	return cmd
}
