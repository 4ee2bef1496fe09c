package identity

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

// Commands are the verbs of this topic.
func Commands(e *verb.Env) []*cobra.Command {
	return []*cobra.Command{enrollCommand(e), unenroll(e), keychains(e)}
}
