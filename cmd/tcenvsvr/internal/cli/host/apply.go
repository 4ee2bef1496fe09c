package host

import (
	"context"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func applyCommand(e *env.Env) *cobra.Command {
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

func runApply(ctx context.Context, e *env.Env, o options) error {
	h, err := newHost(e, o.packaged)
	if err != nil {
		return exitFor(e, o, err)
	}
	return runSteps(ctx, e, o, wording(o.dry), "nothing to do: the host is set up", func(ctx context.Context, to func(setup.Result)) error {
		return h.Apply(ctx, o.dry, to)
	})
}
