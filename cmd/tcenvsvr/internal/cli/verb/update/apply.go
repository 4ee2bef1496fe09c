package update

import (
	"context"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

func applyVerb(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: "apply", Short: "take the release that lies in the inbox", Args: cli.Exactly(0, "no arguments"),
		Long: `Apply takes the release that the agent downloaded, if it asks for that: it
verifies it again and writes it where nothing runs from. The next start tries it.

  tcenvsvr slot apply`,
		RunE: func(c *cobra.Command, _ []string) error { return runApply(c.Context(), e) },
	}
}

func runApply(ctx context.Context, e *verb.Env) error {
	s, err := open(e)
	if err != nil {
		return err
	}
	_, err = s.Apply(ctx) // that nothing is asked for is the rule: no word about it
	return err
}
