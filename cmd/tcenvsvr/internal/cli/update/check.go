package update

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/updater"
)

// ErrAvailable means that there is a release which is not installed. It has an exit code of its
// own.
var ErrAvailable = errors.New("a release is available")

func checkCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "ask the cloud now which release is wanted", Args: cli.Exactly(0, "no arguments"),
		Long: `Check has the running agent ask the cloud which release this server should run.
With updateMode self that goes on to install it, in its window; otherwise exit code 10
says that there is one.

  sudo tcenvsvr update check`,
		RunE: func(c *cobra.Command, _ []string) error { return runCheck(c.Context(), e, false) },
	}
}

// finalPhases are those in which the agent does nothing more by itself.
var finalPhases = []string{
	"idle", "off", "unavailable", "available", "waiting", "blocked", "rolled_back", "held", "not_newer", "good", "trying", "applied",
}

// checkTimeout bounds how long a check is watched. The agent goes on with it after that.
const checkTimeout = 15 * time.Minute

func runCheck(ctx context.Context, e *env.Env, apply bool) error {
	p, err := e.Paths()
	if err != nil {
		return err
	}
	asked := time.Now()
	var now updater.Progress
	if err := control.Call(ctx, p.Control, "POST", "update", controlapi.Check{Apply: apply}, &now); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	phase := ""
	for {
		ended := now.Ended.After(asked)
		if ended && now.Error != "" {
			return fmt.Errorf("checking for updates: %s", now.Error)
		}
		final := ended && slices.Contains(finalPhases, now.Phase)
		if final {
			if err := outcome(now); err != nil { // the phase would say the same
				return err
			}
		}
		if now.Phase != phase {
			phase = now.Phase
			fmt.Fprintln(e.Stderr, phaseLine(now))
		}
		if final {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		now = updater.Progress{} // what an answer leaves out is empty
		switch err := control.Call(ctx, p.Control, "GET", "update", nil, &now); {
		case errors.Is(err, control.ErrNotRunning) && (phase == "applying" || phase == "applied"): // it restarts right after that
			fmt.Fprintln(e.Stderr, "the agent restarts; \"tcenvsvr update status\" shows how the release does")
			return nil
		case err != nil:
			return err
		}
	}
}

// phaseLine returns a phase as one line.
func phaseLine(p updater.Progress) string {
	line := strings.TrimSpace(p.Phase + " " + p.Wanted)
	if why := cmp.Or(p.Reason, idle[p.Phase]); why != "" {
		line += ": " + why
	}
	return line
}

// idle explains phases that give no reason.
var idle = map[string]string{"idle": "no release is wanted", "good": "nothing newer is wanted"}

func outcome(p updater.Progress) error {
	switch p.Phase {
	case "available", "waiting":
		return fmt.Errorf("%w: %s: %s", ErrAvailable, p.Wanted, p.Reason)
	case "blocked", "rolled_back", "held", "not_newer", "unavailable":
		return fmt.Errorf("release %q is not installed: %s", p.Wanted, p.Reason)
	}
	return nil
}
