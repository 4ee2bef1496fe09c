package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

// service is the group of verbs that talk to the host's service manager.
func service(e *verb.Env) *cobra.Command {
	return cli.Group("service", "the Environment Server as a service of this host",
		`Service talks to whatever starts services here: systemd, SysV, OpenRC, launchd or
Windows. The package installs the service by itself; "service install" is for
hosts without it.

  sudo tcenvsvr service install
  sudo tcenvsvr service restart
  tcenvsvr service status`,
		install(e),
		act(e, "uninstall", "stop the service and remove it", func(s *svc.Service) error { return s.Uninstall() }),
		act(e, "start", "start the service", func(s *svc.Service) error { return s.Do("start") }),
		act(e, "stop", "let jobs finish for up to drainSeconds, then stop", func(s *svc.Service) error { return s.Do("stop") }),
		act(e, "restart", "stop the service and start it; jobs go on", func(s *svc.Service) error { return s.Do("restart") }),
		serviceStatus(e))
}

func install(e *verb.Env) *cobra.Command {
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

func runInstall(e *verb.Env, spec svc.Spec) error {
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

// act is a verb without flags.
func act(e *verb.Env, name, short string, do func(*svc.Service) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: cli.Exactly(0, "no arguments"),
		Long: fmt.Sprintf("The service manager is asked to %s.\n\n  sudo tcenvsvr service %s", short, name),
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

func serviceStatus(e *verb.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "whether the service is installed and runs", Args: cli.Exactly(0, "no arguments"),
		Long: `Status asks the service manager; "tcenvsvr status" asks the agent itself.

  tcenvsvr service status
  tcenvsvr service status --json`,
		RunE: func(*cobra.Command, []string) error {
			spec, err := spec(e, defaultUser)
			if err != nil {
				return err
			}
			s, err := svc.New(spec)
			if err != nil {
				return err
			}
			return tellStatus(e, s, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "answer in JSON")
	return c
}

// answer is what status --json prints.
type answer struct {
	Manager   string `json:"manager"`
	Installed bool   `json:"installed"`
	Packaged  bool   `json:"packaged"`
	Running   bool   `json:"running"`
}

func tellStatus(e *verb.Env, s *svc.Service, asJSON bool) error {
	running, err := s.Running()
	if err != nil && !errors.Is(err, svc.ErrNotInstalled) {
		return err
	}
	a := answer{Manager: s.Platform(), Installed: err == nil, Packaged: svc.Packaged(), Running: running}
	if asJSON {
		if err := cli.PrintJSON(e.Stdout, a); err != nil {
			return err
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", control.ErrNotRunning, err)
	case !running:
		return control.ErrNotRunning
	case asJSON:
		return nil
	}
	_, err = fmt.Fprintf(e.Stdout, "running (%s)\n", a.Manager)
	return err
}

// spec describes this program and home as a service.
func spec(e *verb.Env, user string) (svc.Spec, error) {
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

// defaultUser is the vendor's.
const defaultUser = "threatconnect"
