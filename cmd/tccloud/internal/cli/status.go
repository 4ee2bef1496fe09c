package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/health"
)

func statusCommand(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "show whether the cloud runs, and its figures", Args: cli.Exactly(0, "no arguments"),
		Long: `Status asks the cloud how it is, and says what is wrong and what to do about it.
"no_intake" means that no new orders are taken, "failed" that nothing can be stored.

  tccloud status --data DIR
  tccloud status --url https://cloud.example --token-file token --json`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		s, err := c.Status(cmd.Context())
		if err != nil {
			return err
		}
		err = cli.Answer(o.Stdout, *asJSON, s, func(w io.Writer) {
			all := []any{"version", s.Version, "started", operator.Time(s.Started), "api", s.APIURL, "broker", s.BrokerHost,
				"environments", s.Environments, "servers", connected(s), "health", s.Health.State}
			if s.ClocksApart > 0 {
				all = append(all, "clocks", fmt.Sprintf("%s here; those of %d servers are more than a minute off: see that all hosts keep time", operator.Time(s.Time), s.ClocksApart))
			}
			for _, c := range s.Health.Checks {
				all = append(all, "  "+c.Name, condition(c), "    hint", c.Try)
			}
			cli.Facts(w, all...)
		})
		if err == nil && !s.Health.Intake() {
			err = &cli.ExitError{Code: operator.ExitUnwell}
		}
		return err
	}
	return o.Command(cmd, operator.ExitUnwell)
}

func connected(s v1.Status) string {
	text := fmt.Sprintf("%d, %d connected", s.Servers, s.Connected)
	if s.Unknown > 0 {
		text += fmt.Sprintf(", %d unknown (their gateway is silent)", s.Unknown)
	}
	if s.TakingNone > 0 {
		text += fmt.Sprintf(", %d taking no orders", s.TakingNone)
	}
	if s.Cloned > 0 {
		text += fmt.Sprintf(", %d with several hosts", s.Cloned)
	}
	if s.TakingNone+s.Cloned > 0 {
		text += ` ("tccloud server list")`
	}
	return text
}

// condition returns a check's finding, and since when it is bad.
func condition(c health.Result) string {
	if c.State == health.OK {
		return "ok: " + c.Text
	}
	return fmt.Sprintf("%s since %s: %s", c.State, operator.Time(c.Since), c.Text)
}
