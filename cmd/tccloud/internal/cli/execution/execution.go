package execution

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tccloud/internal/cli/execution/artifact"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud execution".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("execution", "see and cancel executions",
		`Execution shows what became of orders. It names parameters and never shows
their values. "tcenvsvr help errors" explains what stands as error.

  tccloud execution list --env lab --state running --data DIR
  tccloud execution logs ID --follow --data DIR`,
		list(o), show(o), cancel(o), logs(o),
		outputs(o), download(o), artifact.Command(o), requests(o))
}
