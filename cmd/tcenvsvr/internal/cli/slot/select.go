package slot

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
)

func selectCommand(e *env.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "select", Short: "choose the program to start", Args: cli.Exactly(0, "no arguments"),
		Long: `Select counts the start of a new program, checks what it chooses, points the link
of the service at it, and prints where it lies.

  tcenvsvr slot select
  tcenvsvr slot select --json`,
		RunE: func(*cobra.Command, []string) error { return runSelect(e, asJSON) },
	}
	cli.JSONVar(c, &asJSON)
	return c
}

func runSelect(e *env.Env, asJSON bool) error {
	s, err := installation.Open(e)
	if err != nil {
		return err
	}
	c, err := s.Select()
	if err != nil {
		return err
	}
	if asJSON {
		return cli.PrintJSON(e.Stdout, c)
	}
	_, err = fmt.Fprintln(e.Stdout, c.Path)
	return err
}
