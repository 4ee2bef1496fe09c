package service

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func edit(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "edit NAME", Short: "change a service", Args: cli.Exactly(1, "a name"),
		Long: `Edit changes what its flags name; everything else stays. Another App, version, server,
Environment or parameter needs another instance of the App: it is started beside the one
that serves, takes over when it is ready, and the old one is shut down. If it does not
get ready, the old one goes on.

  tccloud service edit lookup --app Lookup_API@1.3.0
  tccloud service edit lookup --param-file params.json --rate 50
  tccloud service edit lookup --log-level DEBUG`,
	}
	var s settings
	s.add(cmd)
	f := cmd.Flags()
	name := f.String("app", "", "another version, or another App of the same kind, APP[@VERSION]")
	environment := f.String("env", "", "another Environment")
	unset := f.StringArray("unset", nil, "remove this parameter")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		params, err := s.read(o, cmd)
		if err != nil {
			return err
		}
		q := v1.ChangeService{Params: params, Unset: *unset}
		server, timeout := s.server, s.timeout.Milliseconds()
		given := len(params)+len(*unset) > 0
		for flag, use := range map[string]func(){
			"server": func() { q.Server = &server }, "log-level": func() { q.LogLevel = &s.level }, "path": func() { q.Path = &s.path }, "env": func() { q.Environment = environment },
			"call-timeout": func() { q.CallTimeoutMS = &timeout }, "max-body": func() { q.MaxBody = &s.body }, "rate": func() { q.Rate = &s.rate },
			"app": func() { n, v := app.Split(*name); q.App, q.Version = &n, &v },
		} {
			if f.Changed(flag) {
				use()
				given = true
			}
		}
		if !given {
			return cli.Misuse(cmd, "nothing is to be changed: see the flags of \"tccloud service edit --help\"")
		}
		return change(o, cmd, *asJSON, args[0], q)
	}
	return cmd
}

func change(o *operator.Env, cmd *cobra.Command, asJSON bool, name string, q v1.ChangeService) error {
	c, err := o.Connect(cmd.Context())
	if err != nil {
		return err
	}
	s, err := c.ChangeService(cmd.Context(), name, q)
	if err != nil {
		return err
	}
	return answer(o, asJSON, s)
}
