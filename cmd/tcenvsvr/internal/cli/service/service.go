package service

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

// Command returns the group "service": commands that talk to the host's service manager.
func Command(e *env.Env) *cobra.Command {
	return cli.Group("service", "the Environment Server as a service of this host",
		`Service talks to the service manager of this host: systemd, SysV, OpenRC, launchd or
that of Windows. The package installs the service by itself; "service install" is for
hosts without it.

  sudo tcenvsvr service install
  sudo tcenvsvr service restart
  tcenvsvr service status`,
		installCommand(e),
		managerCommand(e, "uninstall", "stop the service and remove it", func(s *svc.Service) error { return s.Uninstall() }),
		managerCommand(e, "start", "start the service", func(s *svc.Service) error { return s.Do("start") }),
		managerCommand(e, "stop", "let jobs finish for up to drainSeconds, then stop", func(s *svc.Service) error { return s.Do("stop") }),
		managerCommand(e, "restart", "stop the service and start it; jobs go on", func(s *svc.Service) error { return s.Do("restart") }),
		statusCommand(e))
}

// managerCommand returns a command without flags that asks the service manager to do something.
func managerCommand(e *env.Env, name, short string, do func(*svc.Service) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: cli.Exactly(0, "no arguments"),
		Long: fmt.Sprintf("%s asks the service manager to %s.\n\n  sudo tcenvsvr service %s", strings.ToUpper(name[:1])+name[1:], short, name),
		RunE: func(*cobra.Command, []string) error {
			spec, err := spec(e, defaultUser)
			if err != nil {
				return err
			}
			s, err := svc.New(spec)
			if err != nil {
				return err
			}
			return do(s)
		},
	}
}

// spec describes this program and home as a service that runs as user.
func spec(e *env.Env, user string) (svc.Spec, error) {
	p, err := e.Paths()
	if err != nil {
		return svc.Spec{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return svc.Spec{}, fmt.Errorf("finding this program: %w", err)
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return svc.Spec{}, fmt.Errorf("finding this program: %w", err)
	}
	return svc.Spec{Program: program, Home: p.Home, User: user}, nil
}

// defaultUser is the vendor's name for the agent's user.
const defaultUser = layout.Agent
