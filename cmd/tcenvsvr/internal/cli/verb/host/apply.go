package host

import (
	"context"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

func apply(e *verb.Env) *cobra.Command {
	var o options
	return o.flags(&cobra.Command{
		Use: "apply", Short: "set this host up; again does nothing", Args: cli.Exactly(0, "no arguments"),
		Long: `Apply makes this host one that can run Apps as tc-job and prints each change. What
is right already is left alone, and so is what an administrator wrote. A step that
fails does not keep the others from being done.

With --package (for scriptlets) every failure is a warning and the exit code is 0.

  tcenvsvr host apply --dry-run
  sudo tcenvsvr host apply`,
		RunE: func(c *cobra.Command, _ []string) error { return runApply(c.Context(), e, o) },
	}, "called by a package: warn, never fail")
}

func runApply(ctx context.Context, e *verb.Env, o options) error {
	h, err := newHost(e, o.packaged)
	if err != nil {
		return settle(e, o, err)
	}
	return tell(ctx, e, o, wording(o.dry), "nothing to do: the host is set up", func(ctx context.Context, to func(setup.Result)) error {
		return h.Apply(ctx, o.dry, to)
	})
}

func users(e *verb.Env) *cobra.Command {
	var o options
	return o.flags(&cobra.Command{
		Use: "users", Short: "make the users alone, and fail without them", Args: cli.Exactly(0, "no arguments"),
		Long: `Users makes the users and groups threatconnect and tc-job where they do not exist,
whoever keeps them (LDAP counts), and fails if it cannot: files that belong to
them can only be laid down afterwards. It is the first step of host apply.

  sudo tcenvsvr host users`,
		RunE: func(c *cobra.Command, _ []string) error { return runUsers(c.Context(), e, o) },
	}, "")
}

func runUsers(ctx context.Context, e *verb.Env, o options) error {
	h, err := newHost(e, false)
	if err != nil {
		return err
	}
	return tell(ctx, e, o, wording(o.dry), "nothing to do: the users are there", func(ctx context.Context, to func(setup.Result)) error {
		return h.Users(ctx, o.dry, to)
	})
}
