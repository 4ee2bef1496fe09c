package app

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Command returns the group "app".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("app", "run Apps without a cloud",
		"App is for developers of Apps.\n\n  tcenvsvr app run my_app.tcx --param name=value", runCommand(e))
}
