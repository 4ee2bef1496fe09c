package host

import (
	"context"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func removeCommand(e *env.Env) *cobra.Command {
	var o options
	return o.flags(&cobra.Command{
		Use: "remove", Short: "take back what host apply did", Args: cli.Exactly(0, "no arguments"),
		Long: `Remove takes our block out of /etc/pam.d/su, which is then byte by byte what it
was, and removes our sudoers rule, fapolicyd rule and backup. Users and folders
stay: they may own files, or hold them. A sudoers file that was changed by hand is kept
under a name that sudo ignores.

With --package (for scriptlets) files of the package are left to it, every
failure is a warning and the exit code is 0.

  tcenvsvr host remove --dry-run
  sudo tcenvsvr host remove`,
		RunE: func(c *cobra.Command, _ []string) error { return runRemove(c.Context(), e, o) },
	}, "called by a package: leave its files to it; warn, never fail")
}

func runRemove(ctx context.Context, e *env.Env, o options) error {
	h, err := newHost(e, o.packaged)
	if err != nil {
		return exitFor(e, o, err)
	}
	return runSteps(ctx, e, o, wording(o.dry), "nothing to do: nothing of ours is there", func(ctx context.Context, to func(setup.Result)) error {
		return h.Remove(ctx, o.dry, to)
	})
}
