package host

import (
	"context"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func usersCommand(e *env.Env) *cobra.Command {
	var o options
	return o.flags(&cobra.Command{
		Use: "users", Short: "make the users alone, and fail without them", Args: cli.Exactly(0, "no arguments"),
		Long: `Users makes the users and groups threatconnect and tc-job unless they exist, here or
in a directory such as LDAP, and fails if it cannot: files that belong to them can
only be laid down afterwards. It is the first step of host apply.

  sudo tcenvsvr host users`,
		RunE: func(c *cobra.Command, _ []string) error { return runUsers(c.Context(), e, o) },
	}, "")
}

func runUsers(ctx context.Context, e *env.Env, o options) error {
	h, err := newHost(e, false)
	if err != nil {
		return err
	}
	return runSteps(ctx, e, o, wording(o.dry), "nothing to do: the users are there", func(ctx context.Context, to func(setup.Result)) error {
		return h.Users(ctx, o.dry, to)
	})
}
