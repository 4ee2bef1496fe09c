package service

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the services", Args: cli.Exactly(0, "no arguments"),
		Long: `List shows the services: how each is, on which server, how often it had to be started
again, and why no server has it where none has.

  tccloud service list --data DIR
  tccloud service list --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Services(cmd.Context())
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "NAME\tENVIRONMENT\tAPP\tKIND\tSTATE\tSERVER\tRESTARTS\tLAST END\tWAITS", func(row func(...any)) {
				for _, s := range list {
					last, server := "", wire.ServerXID("")
					if len(s.Ends) > 0 {
						last = s.Ends[0].Outcome + " " + operator.Time(s.Ends[0].At)
					}
					if s.Instance != nil {
						server = s.Instance.Server
					}
					row(s.Name, s.Environment, appName(s), s.Runtime, s.Phase, server, s.Restarts, last, s.Waits)
				}
			})
		})
	}
	return cmd
}

func show(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME", Short: "show one service", Args: cli.Exactly(1, "a name"),
		Long: `Show prints one service: how it is, where it runs, its last heartbeat, its triggers and
what the App made of them, and how it ended last.

  tccloud service show lookup --data DIR
  tccloud service show lookup --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		s, err := c.Service(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return answer(o, *asJSON, s)
	}
	return cmd
}

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME", Aliases: []string{"remove", "delete"}, Short: "remove a service", Args: cli.Exactly(1, "a name"),
		Long: `Rm removes a service with its triggers. The App is told to shut down.

  tccloud service rm lookup --data DIR`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.RemoveService(cmd.Context(), args[0])
	}
	return cmd
}
