package env

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud env".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("env", "manage Environments",
		`Env manages Environments: named sets of servers that share a queue of orders.

  tccloud env create lab --owner "Ada" --data DIR
  tccloud env list --data DIR`,
		create(o), list(o), show(o), history(o), remove(o), activate(o, true), activate(o, false))
}

func showAnswer(o *operator.Env, asJSON bool, v v1.Environment) error {
	connected := fmt.Sprint(v.Connected)
	if v.Unknown > 0 {
		connected += fmt.Sprintf(", %d unknown (their gateway is silent)", v.Unknown)
	}
	return cli.Answer(o.Stdout, asJSON, v, func(w io.Writer) {
		cli.Facts(w, "name", v.Name, "owner", v.Owner, "active", operator.Yes(v.Active), "created", operator.Time(v.Created),
			"servers", v.Servers, "connected", connected, "queued", v.Queued, "running", v.Running,
			"executions today", v.Today, "executions 7 days", v.Week, "executions 30 days", v.Month)
	})
}
