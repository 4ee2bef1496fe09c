package service

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

func statusCommand(e *env.Env) *cobra.Command {
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
			return printStatus(e, s, asJSON)
		},
	}
	cli.JSONVar(c, &asJSON)
	return c
}

// answer is what status --json prints.
type answer struct {
	Manager   string `json:"manager"`
	Installed bool   `json:"installed"`
	Packaged  bool   `json:"packaged"`
	Running   bool   `json:"running"`
}

func printStatus(e *env.Env, s *svc.Service, asJSON bool) error {
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
