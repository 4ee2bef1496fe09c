package slot

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Command returns the hidden group "slot".
func Command(e *env.Env) *cobra.Command {
	c := cli.Group("slot", "choose and replace programs (for the service manager)",
		`Slot is the root side of self-update: the service manager calls it, with the
package's own program. People use "tcenvsvr update".`,
		selectCommand(e), applyCommand(e), blessCommand(e), endedCommand(e), stateCommand(e))
	c.Hidden = true
	return c
}
