package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME ENV APP[@VERSION]", Short: "create a Job", Args: cli.Exactly(3, "a name, an Environment and an App"),
		Long: `Create creates a Job: an Organization App, an Environment and a schedule. Each run
takes the newest version, of those that VERSION names: one version (1.4.2), or a range:
1.x, 1.4.*, ">=1.2 <2", ~1.4 (1.4.0 and up, before 1.5), ^1.4 (before 2). A pre-release is
in a range only where the range names one, a version that is not made of numbers in none.
"job show" says which version a run would take now, "job history" which ones ran.

Everything on the command line can be read by others with ps, and may stay in the
shell's history. Secrets belong into --param-file, a JSON object of names and values
("-" reads stdin), or --param NAME=@FILE.

With --seal the cloud keeps parameters that it cannot read: only servers of the
Environment open them, for this Job and the App of --package, and where all that was
sealed comes together. Seal the address beside the password, and the password goes to no
other address. Runs are repeated by nature: the cloud decides when the Job runs, and with
which parameters that are not sealed. After a change of App, Environment or servers, and
when a server has a new key, seal again ("job show" says so).

  tccloud job create alerts lab Alerts@1.x --schedule "every 15m" --param-file params.json
  tccloud job create daily lab Block_List@1.2.0 --schedule "30 2 * * *" --zone Europe/Berlin --retries 3
  tccloud job create siem lab Siem --param-file p.json --seal=password,url --package Siem.tcx --pin sha256:…`,
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
			Name: args[0], Environment: args[1], Server: s.server, Params: params,
			TimeoutMS: s.timeout.Milliseconds(), Priority: &s.priority, Limits: s.limits, Schedule: s.schedule, Zone: s.zone,
			Paused: *paused, Missed: jobs.Missed(s.missed), Retries: s.retries, RetryDelayMS: s.delay.Milliseconds(), Notify: notify,
		}
		q.App, q.Version = app.Split(args[2])
		r := runs{id: jobs.NewID(), environment: q.Environment, app: q.App, version: q.Version}
		var pkg *v1.App
		if s.pkg != "" {
			if pkg, err = s.inspect(cmd, &r); err != nil {
				return err
			}
			q.ID, q.App, q.Version, q.SHA256 = r.id, r.app, r.version, r.sha256
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		if s.sealing.Used() {
			if err := s.seal(cmd.Context(), o, c, r, pkg, q.Params); err != nil {
				return err
			}
		}
		j, err := c.CreateJob(cmd.Context(), q)
		if err != nil {
			return err
		}
		return answer(o, *asJSON, j)
	}
	return cmd
}
