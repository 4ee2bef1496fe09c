package service

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func running(o *operator.Env, start bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: "start NAME", Short: "start a service that was stopped", Args: cli.Exactly(1, "a name"),
		Long: `Start has a service run, and be started again whenever it ends.

  tccloud service start lookup --data DIR`,
	}
	if !start {
		cmd.Use, cmd.Short = "stop NAME", "stop a service"
		cmd.Long = `Stop has a service end, and not be started again until "tccloud service start". The App is
told to shut down, and is ended if it does not.

  tccloud service stop lookup --data DIR`
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return change(o, cmd, *asJSON, args[0], v1.ChangeService{Running: &start})
	}
	return cmd
}

func restart(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "restart NAME", Short: "replace a service's App by a new instance", Args: cli.Exactly(1, "a name"),
		Long: `Restart starts the App anew, of the newest version where the service names none. The
instance that serves goes on until the new one is ready.

  tccloud service restart lookup --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return change(o, cmd, *asJSON, args[0], v1.ChangeService{Restart: true})
	}
	return cmd
}
