package release

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud release".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("release", "decide which release servers run",
		`Release manages self-update: which releases this cloud serves, and which servers
get which. Releases are made and signed with "tcrelease update-repo". It also keeps the
packages of "tcrelease package", which bundles take to new hosts.

  tccloud release add update-1.4.2.zip --data DIR
  tccloud release add threatconnect-envsvr-1.4.2-1.x86_64.rpm --data DIR
  tccloud release rollout 1.4.2 --canary XID --data DIR
  tccloud release rollout 1.4.2 --percent 10 --data DIR
  tccloud release rollout 1.4.2 --percent 100 --data DIR
  tccloud release halt --data DIR`,
		add(o), remove(o), list(o), rollout(o), halt(o), choose(o))
}
