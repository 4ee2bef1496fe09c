package update

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/updater/slot"
)

func pinCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "pin VERSION", Short: "want this version and no other", Args: cli.Exactly(1, "a version, or none to end it"),
		Long: `Pin makes this host want one version, older or newer than the one that runs, whatever
the cloud says. "none" ends that.

  sudo tcenvsvr update pin 1.4.1
  sudo tcenvsvr update pin none`,
		RunE: func(_ *cobra.Command, args []string) error {
			version, done := args[0], "pinned to "+args[0]
			if version == "none" {
				version, done = "", "not pinned any more"
			}
			return changeSlots(e, false, done, func(s *slot.Slots) error { return s.Pin(version) })
		},
	}
}
