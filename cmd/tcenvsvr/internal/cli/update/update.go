package update

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
	"tcenvsvr/updater/slot"
)

// Command returns the group "update".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("update", "new versions: show, install, go back",
		`Update is about new versions of the Environment Server. By itself the agent installs
what the cloud wants and a maintainer signed, keeps the version before, and goes back to
it when the new one does not work; settings updateMode and updateWindow say whether
and when.

  tcenvsvr update status
  sudo tcenvsvr update apply`,
		statusCommand(e), checkCommand(e), applyCommand(e), rollbackCommand(e), pinCommand(e), resumeCommand(e), importCommand(e))
}

// changeSlots changes root's side and, if restart is set, restarts the service so that the change
// takes effect.
func changeSlots(e *env.Env, restart bool, done string, change func(*slot.Slots) error) error {
	s, err := installation.Open(e)
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
	if out, err := exec.Command(ctl, "try-restart", layout.Service+".service").CombinedOutput(); err != nil {
		return fmt.Errorf("restarting the service: %w: %s\nhint: restart it yourself; the choice is made", err, strings.TrimSpace(string(out)))
	}
	return nil
}
