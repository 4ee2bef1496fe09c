package slot

import (
	"context"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
)

func applyCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "apply", Short: "install the release that lies in the inbox", Args: cli.Exactly(0, "no arguments"),
		Long: `Apply installs the release that the agent downloaded, if the agent asks for it: it
verifies it again and writes it where nothing runs from. The next start tries it.

  tcenvsvr slot apply`,
		RunE: func(c *cobra.Command, _ []string) error { return runApply(c.Context(), e) },
	}
}

func runApply(ctx context.Context, e *env.Env) error {
	s, err := installation.Open(e)
	if err != nil {
		return err
	}
	_, err = s.Apply(ctx) // mostly nothing is asked for: no message about that
	return err
}
