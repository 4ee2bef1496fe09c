package update

import (
	"errors"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/updater/slot"
)

func rollbackVerb(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: "rollback", Short: "go back to what ran before", Args: cli.Exactly(0, "no arguments"),
		Long: `Rollback chooses the previous version, marks the present one as bad on this host, so
that it is not installed again by itself, and restarts the service. Jobs go on.

  sudo tcenvsvr update rollback`,
		RunE: func(*cobra.Command, []string) error {
			return decide(e, true, "went back to the version before", func(s *slot.Slots) error { return s.Rollback("by the administrator") })
		},
	}
}

func pinVerb(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: "pin VERSION", Short: "take this version and no other", Args: cli.Exactly(1, "a version, or none to end it"),
		Long: `Pin makes this host want one version, older or newer than the one that runs, whatever
the cloud says. "none" ends that.

  sudo tcenvsvr update pin 1.4.1
  sudo tcenvsvr update pin none`,
		RunE: func(_ *cobra.Command, args []string) error {
			version, done := args[0], "pinned to "+args[0]
			if version == "none" {
				version, done = "", "not pinned any more"
			}
			return decide(e, false, done, func(s *slot.Slots) error { return s.Pin(version) })
		},
	}
}

func resumeVerb(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: "resume", Short: "take updates again, also those that failed here", Args: cli.Exactly(0, "no arguments"),
		Long: `Resume ends a hold, such as the one after a downgrade by the package manager, and
forgets which releases failed on this host, so that they are tried again.

  sudo tcenvsvr update resume`,
		RunE: func(*cobra.Command, []string) error {
			return decide(e, false, "updates are taken again", (*slot.Slots).Resume)
		},
	}
}

// decide changes root's side and, if asked, restarts the service so that it counts.
func decide(e *verb.Env, restart bool, done string, change func(*slot.Slots) error) error {
	s, err := open(e)
	if err != nil {
		return err
	}
	if err := change(s); err != nil {
		return err
	}
	fmt.Fprintln(e.Stdout, done)
	if !restart {
		return nil
	}
	ctl, err := exec.LookPath("systemctl")
	if errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintln(e.Stderr, "restart the service so that it counts")
		return nil
	}
	if out, err := exec.Command(ctl, "try-restart", "threatconnect-envsvr.service").CombinedOutput(); err != nil {
		return fmt.Errorf("restarting the service: %w: %s\nhint: restart it yourself; the choice is made", err, out)
	}
	return nil
}
