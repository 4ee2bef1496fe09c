package app

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Command returns the group "app".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("app", "make, check and run Apps without a cloud",
		`App is for developers of Apps. They need no cloud, no server and no root.

  tcenvsvr app new hello
  tcenvsvr app check hello.tcx
  tcenvsvr app run hello.tcx --param who=you --no-sandbox`, newCommand(e), checkCommand(e), runCommand(e))
}
