package service

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME ENV APP[@VERSION]", Short: "create a service and start it", Args: cli.Exactly(3, "a name, an Environment and an App"),
		Long: `Create creates a service: a service App, an Environment and the parameters of its
start. Without a version the newest is taken whenever it starts.

An API service is called at the URL that this command prints, with the token that it
prints once: "Authorization: Bearer TOKEN". With --public everybody may call it.
Triggers are added by "tccloud trigger add".

Everything on the command line can be read by others with ps, and may stay in the
shell's history. Secrets belong into --param-file, a JSON object of names and values
("-" reads stdin), or --param NAME=@FILE.

  tccloud service create lookup lab Lookup_API --param-file params.json
  tccloud service create watcher lab Mail_Watcher@1.2.0 --memory 512`,
	}
	var s settings
	s.add(cmd)
	var limits wire.Limits
	operator.AddLimits(cmd.Flags(), &limits)
	public := cmd.Flags().Bool("public", false, "everybody may call the API, without a token")
	stopped := cmd.Flags().Bool("stopped", false, "do not start it yet")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		params, err := s.read(o, cmd)
		if err != nil {
			return err
		}
		q := v1.NewService{
			Name: args[0], Environment: args[1], Server: s.server, Params: params, Limits: limits, LogLevel: s.level, Stopped: *stopped,
			Path: s.path, Public: *public, CallTimeoutMS: s.timeout.Milliseconds(), MaxBody: s.body, Rate: s.rate,
		}
		q.App, q.Version = app.Split(args[2])
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		made, err := c.CreateService(cmd.Context(), q)
		if err != nil {
			return err
		}
		return answer(o, *asJSON, made)
	}
	return cmd
}
