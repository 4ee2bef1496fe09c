package update

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
	"tcenvsvr/updater/launch"
	"tcenvsvr/updater/slot"
)

// hopeless are the exit codes that a restart does not change: files that may not be read,
// wrong settings, not enrolled, no keychain. 2, a wrong command line, is not among them: it is
// also that of a panic.
var hopeless = []int{4, 5, 6, 7}

func launchVerb(e *verb.Env) *cobra.Command {
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
	overrides := verb.SettingFlags(c)
	logTo := verb.LogFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return runLaunch(c, e, *logTo, overrides()) }
	return c
}

func runLaunch(c *cobra.Command, e *verb.Env, logTo string, overrides map[string]string) error {
	at, self, err := where(e)
	if err != nil {
		return err
	}
	if self == slot.PackagedProgram {
		return errors.New("this program belongs to the package, whose service chooses what runs\nhint: systemctl start threatconnect-envsvr")
	}
	s, err := open(e)
	if err != nil {
		return err
	}
	args := []string{"run", "--home", at.Home, "--log-to", logTo}
	for _, name := range verb.SortedKeys(overrides) {
		args = append(args, "--"+name+"="+overrides[name])
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	l := &launch.Launcher{
		Slots: s, Inbox: at.Inbox, Args: args, Stdin: e.Stdin, Stdout: e.Stdout, Stderr: e.Stderr,
		Signals: signals, Reload: syscall.SIGHUP, Hopeless: hopeless, Log: logger(e),
		Terminal: term.IsTerminal(int(os.Stdin.Fd())),
	}
	// The command's context ends by a signal, too; here signals are passed on.
	ctx := context.WithoutCancel(c.Context())
	return svc.Run(signals, func() error { return l.Run(ctx) })
}
