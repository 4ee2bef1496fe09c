package app

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

// Commands are the verbs of this topic.
func Commands(e *verb.Env) []*cobra.Command {
	return []*cobra.Command{cli.Group("app", "run Apps without a cloud",
		"App is for developers of Apps.\n\n  tcenvsvr app run my_app.tcx --param name=value", run(e))}
}
