package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME ENV APP[@VERSION]", Short: "create a Job", Args: cli.Exactly(3, "a name, an Environment and an App"),
		Long: `Create creates a Job: an Organization App, an Environment and a schedule. Without a
version each run takes the newest.

Everything on the command line can be read by others with ps, and may stay in the
shell's history. Secrets belong into --param-file, a JSON object of names and values
("-" reads stdin), or --param NAME=@FILE.

  tccloud job create alerts lab Alerts --schedule "every 15m" --param-file params.json
  tccloud job create daily lab Block_List@1.2.0 --schedule "30 2 * * *" --zone Europe/Berlin --retries 3`,
	}
	var s settings
	s.add(cmd)
	paused := cmd.Flags().Bool("paused", false, "do not run it yet")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		params, notify, err := s.read(o, cmd)
		if err != nil {
			return err
		}
		q := v1.NewJob{
			Name: args[0], Environment: args[1], Server: wire.ServerXID(s.server), Params: params,
			TimeoutMS: s.timeout.Milliseconds(), Priority: &s.priority, Limits: s.limits, Schedule: s.schedule, Zone: s.zone,
			Paused: *paused, Missed: jobs.Missed(s.missed), Retries: s.retries, RetryDelayMS: s.delay.Milliseconds(), Notify: notify,
		}
		q.App, q.Version = app.Split(args[2])
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		j, err := c.CreateJob(cmd.Context(), q)
		if err != nil {
			return err
		}
		return answer(o, *asJSON, j)
	}
	return cmd
}
