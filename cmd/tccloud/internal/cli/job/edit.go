package job

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

func edit(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "edit NAME", Short: "change a Job", Args: cli.Exactly(1, "a name"),
		Long: `Edit changes what its flags name; everything else stays. A new schedule counts from
now on. --left changes what runs left for the next one: a feed that is to begin anew
forgets its last_run.

What is sealed is for one package and opens together only: to change any of it, the App
or the Environment, give all of it again with --seal and --package.

  tccloud job edit alerts --schedule "every 5m"
  tccloud job edit alerts --app Alerts@1.3.0 --unset old_option
  tccloud job edit alerts --forget last_run
  tccloud job edit siem --param-file p.json --seal=password,url --package Siem.tcx --pin sha256:…`,
	}
	var s settings
	s.add(cmd)
	f := cmd.Flags()
	for name, none := range map[string]string{"missed": "", "retry-delay": "0s", "priority": "0"} {
		f.Lookup(name).DefValue = none // what is not named stays: help must not call it the default
	}
	name := f.String("app", "", "another App or version or range, APP[@VERSION]")
	environment := f.String("env", "", "another Environment")
	unset := f.StringArray("unset", nil, "remove this parameter")
	left := f.StringArray("left", nil, "what the next run gets as if one had left it, NAME=VALUE or NAME=@FILE")
	forget := f.StringArray("forget", nil, "forget this name that a run left")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		params, notify, err := s.read(o, cmd)
		if err != nil {
			return err
		}
		q := v1.ChangeJob{Params: params, Unset: *unset, Forget: *forget, Left: map[string]string{}}
		if err := (inputs.Source{Stdin: o.Stdin}).Assign("--left", *left, q.Left); err != nil {
			return cli.Misuse(cmd, "%w", err)
		}
		server, missed, timeout, delay := s.server, jobs.Missed(s.missed), s.timeout.Milliseconds(), s.delay.Milliseconds()
		given := false
		for flag, use := range map[string]func(){
			"schedule": func() { q.Schedule = &s.schedule }, "zone": func() { q.Zone = &s.zone }, "server": func() { q.Server = &server },
			"missed": func() { q.Missed = &missed }, "timeout": func() { q.TimeoutMS = &timeout }, "retries": func() { q.Retries = &s.retries },
			"retry-delay": func() { q.RetryDelayMS = &delay }, "priority": func() { q.Priority = &s.priority }, "notify": func() { q.Notify = &notify },
			"memory": func() { q.MemoryMB = &s.limits.MemoryMB }, "tasks": func() { q.Tasks = &s.limits.Tasks },
			"cpu-weight": func() { q.CPUWeight = &s.limits.CPUWeight },
			"env":        func() { q.Environment = environment },
			"app":        func() { n, v := app.Split(*name); q.App, q.Version = &n, &v },
		} {
			if f.Changed(flag) {
				use()
				given = true
			}
		}
		if !given && s.pkg == "" && len(params)+len(q.Unset)+len(q.Forget)+len(q.Left) == 0 {
			return cli.Misuse(cmd, "nothing is to be changed: see the flags of \"tccloud job edit --help\"")
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		if s.pkg != "" {
			if err := s.reseal(cmd, o, c, args[0], &q); err != nil {
				return err
			}
		}
		j, err := c.ChangeJob(cmd.Context(), args[0], q)
		if err != nil {
			return err
		}
		return answer(o, *asJSON, j)
	}
	return cmd
}

// reseal has the Job run the package of the flags, and seals what they name.
func (s *settings) reseal(cmd *cobra.Command, o *operator.Env, c *client.Client, name string, q *v1.ChangeJob) error {
	j, err := c.Job(cmd.Context(), name)
	if err != nil {
		return err
	}
	r := runs{id: j.ID, environment: j.Environment, app: j.App}
	if q.App != nil {
		r.app, r.version = *q.App, *q.Version
	}
	if q.Environment != nil {
		r.environment = *q.Environment
	}
	pkg, err := s.inspect(cmd, &r)
	if err != nil {
		return err
	}
	q.App, q.Version, q.SHA256 = &r.app, &r.version, &r.sha256
	if !s.sealing.Used() {
		return nil
	}
	return s.seal(cmd.Context(), o, c, r, pkg, q.Params)
}
