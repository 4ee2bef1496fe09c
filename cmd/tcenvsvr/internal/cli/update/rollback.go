package update

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/updater/slot"
)

func rollbackCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "rollback", Short: "go back to what ran before", Args: cli.Exactly(0, "no arguments"),
		Long: `Rollback chooses the previous version, marks the present one as bad on this host, so
that it is not installed again by itself, and restarts the service. Jobs go on.

  sudo tcenvsvr update rollback`,
		RunE: func(*cobra.Command, []string) error {
			return changeSlots(e, true, "went back to the version before", func(s *slot.Slots) error { return s.Rollback("by the administrator") })
		},
	}
}
