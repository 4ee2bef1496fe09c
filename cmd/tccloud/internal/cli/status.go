package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newStatus(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "show whether the cloud runs, and its figures", Args: exactly(),
		Long: `Status asks the cloud how it is.

  tccloud status --data DIR
  tccloud status --url https://cloud.example --token-file token --json

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		s, err := c.Status(cmd.Context())
		if err != nil {
			return err
		}
		return env.answer(*json, s, func(w io.Writer) {
			facts(w, "version", s.Version, "started", clock(s.Started), "api", s.APIURL, "broker", s.BrokerHost,
				"environments", s.Environments, "servers", fmt.Sprintf("%d, %d connected", s.Servers, s.Connected))
		})
	}
	return operator(env, cmd)
}
