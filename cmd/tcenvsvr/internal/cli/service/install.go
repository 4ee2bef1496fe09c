package service

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

func installCommand(e *env.Env) *cobra.Command {
	user := defaultUser
	c := &cobra.Command{
		Use: "install", Short: "have this host start the Environment Server", Args: cli.Exactly(0, "no arguments, only flags"),
		Long: `Install writes a unit or a script for this host's service manager, with --home as
TCENVSVR_HOME and --user as the agent's user, and enables it. It does not start it.

  sudo tcenvsvr service install
  sudo tcenvsvr --home /srv/envsvr service install --user envsvr --print`,
	}
	c.Flags().StringVar(&user, "user", user, "user that the agent runs as; not root")
	show := c.Flags().Bool("print", false, "print systemd's unit for this installation, and install nothing")
	c.RunE = func(*cobra.Command, []string) error {
		s, err := spec(e, user)
		if err != nil {
			return err
		}
		if *show {
			_, err := fmt.Fprint(e.Stdout, s.Unit())
			return err
		}
		return runInstall(e, s)
	}
	return c
}

func runInstall(e *env.Env, spec svc.Spec) error {
	if spec.User == "root" {
		return cli.Usage("installing the service: the agent does not run as root\nhint: give a user of its own with --user; \"tcenvsvr host users\" makes one")
	}
	s, err := svc.New(spec)
	if err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Stdout, "installed for %s: it starts with the host, and now by \"tcenvsvr service start\"\n", s.Platform())
	return err
}
