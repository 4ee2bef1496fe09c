package cli

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot/launch"
)

func launchCommand(e *env.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "launch",
		Short: "run the Environment Server so that it can update itself",
		Long: `Launch runs "tcenvsvr run" with the same flags and signals, and starts it again after
an update or a crash: in its new version, and in the one before if that does not work.
It is for hosts without the package, whose service does the same. Updates must be
signed by the root.json beside this program; without one there are none.

  tcenvsvr launch
  tcenvsvr --home /srv/envsvr launch --logLevel debug`,
		Args: cli.Exactly(0, "no arguments, only flags"),
	}
	overrides := env.SettingFlags(c)
	logTo := env.LogFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return runLaunch(c, e, *logTo, overrides()) }
	return c
}

func runLaunch(c *cobra.Command, e *env.Env, logTo string, overrides map[string]string) error {
	at, self, err := installation.Paths(e)
	if err != nil {
		return err
	}
	if self == handover.PackagedProgram {
		return errors.New("this program belongs to the package, whose service chooses what runs\nhint: systemctl start threatconnect-envsvr")
	}
	s, err := installation.Open(e)
	if err != nil {
		return err
	}
	args := []string{"run", "--home", at.Home, "--log-to", logTo}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		args = append(args, "--"+name+"="+overrides[name])
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	l := &launch.Launcher{
		Slots: s, Inbox: at.Inbox, Args: args, Stdin: e.Stdin, Stdout: e.Stdout, Stderr: e.Stderr,
		Signals: signals, Reload: syscall.SIGHUP, Hopeless: installation.Hopeless, Log: installation.Logger(e),
		Terminal: term.IsTerminal(int(os.Stdin.Fd())),
	}
	// The command's context ends by a signal, too; here signals are passed on.
	ctx := context.WithoutCancel(c.Context())
	return svc.Run(signals, func() error { return l.Run(ctx) })
}
