package update

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

// Commands are the verbs of this topic.
func Commands(e *verb.Env) []*cobra.Command {
	return []*cobra.Command{launchVerb(e), slotGroup(e), cli.Group("update", "new versions: show, take, go back",
		`Update is about new versions of the Environment Server. By itself the agent installs
what the cloud wants and a maintainer signed, keeps the version before, and goes back to
it when the new one does not work; settings updateMode and updateWindow say whether
and when.

  tcenvsvr update status
  sudo tcenvsvr update apply`,
		statusVerb(e), checkVerb(e), applyNowVerb(e), rollbackVerb(e), pinVerb(e), resumeVerb(e), importVerb(e))}
}
