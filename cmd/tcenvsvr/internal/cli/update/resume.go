package update

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/updater/slot"
)

func resumeCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "resume", Short: "end a hold, and try again what failed here", Args: cli.Exactly(0, "no arguments"),
		Long: `Resume ends a hold, such as the one after a downgrade by the package manager, and
forgets which releases failed on this host, so that they are tried again.

  sudo tcenvsvr update resume`,
		RunE: func(*cobra.Command, []string) error {
			return changeSlots(e, false, "updates are taken again", (*slot.Slots).Resume)
		},
	}
}
