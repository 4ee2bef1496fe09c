package slot

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot/state"
)

func endedCommand(e *env.Env) *cobra.Command {
	var pause time.Duration
	c := &cobra.Command{
		Use: "ended", Short: "count how the program ended", Args: cli.Exactly(0, "no arguments"),
		Long: `Ended classifies the end of the program by SERVICE_RESULT, EXIT_CODE and EXIT_STATUS,
which systemd gives to ExecStopPost, and prints its class: clean, crash, hang, policy, environment.
With --pause it then waits where starting again at once would not help: where what
failed was not a new release, behind which another is waiting. After an end that only
a person can do something about (not permitted, settings invalid, not enrolled, no
keychain) it waits for longer, but no longer than until a file or folder that matters changes.

  tcenvsvr slot ended --pause 2s`,
		RunE: func(c *cobra.Command, _ []string) error { return runEnded(c.Context(), e, pause) },
	}
	c.Flags().DurationVar(&pause, "pause", 0, "how long to wait after a failure")
	return c
}

func runEnded(ctx context.Context, e *env.Env, pause time.Duration) error {
	exit := state.Exit{Result: e.Getenv("SERVICE_RESULT"), Code: e.Getenv("EXIT_CODE"), Status: e.Getenv("EXIT_STATUS")}
	if exit.Result == "" {
		return cli.Usage("ended is called by the service manager: SERVICE_RESULT is not set")
	}
	s, err := installation.Open(e)
	if err != nil {
		return err
	}
	before, _ := s.State() // a state that cannot be read is one without a trial
	class, err := s.Ended(exit)
	if err == nil {
		_, err = fmt.Fprintf(e.Stdout, "the program ended (%s): counted as %s\n", exit, class)
	}
	if class == handover.Clean || before.Phase == handover.Trying {
		return err
	}
	if code, notNumber := strconv.Atoi(exit.Status); notNumber == nil && pause > 0 && slices.Contains(installation.Hopeless, code) {
		if p, err := e.Paths(); err == nil {
			fmt.Fprintf(e.Stdout, "only a person can do something about that: waiting up to %s for a change of settings, keys or a folder above them\n", hopelessPause)
			changed(ctx, p, hopelessPause)
			pause = 0
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
	return err
}

// hopelessPause is the pause between starts of a service that cannot start: short enough for causes
// that are not watched below, long enough for its message to stay readable.
const hopelessPause = 30 * time.Second

// changed waits until one of the files that keep an agent from starting changes, or until limit is
// over.
func changed(ctx context.Context, p paths.Paths, limit time.Duration) {
	end := time.After(limit)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for before := seen(p); before == seen(p); {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-tick.C:
		}
	}
}

// seen returns what the files look like from outside.
func seen(p paths.Paths) string {
	var all strings.Builder
	files := []string{p.Settings, p.Keystore, p.Keychain}
	for dir := p.State; ; dir = filepath.Dir(dir) {
		files = append(files, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for _, file := range files {
		info, err := os.Lstat(file)
		if err != nil {
			fmt.Fprintln(&all, err)
			continue
		}
		fmt.Fprintln(&all, info.Mode())
		if !info.IsDir() { // a folder changes with all that happens in it
			fmt.Fprintln(&all, info.Size(), info.ModTime().UnixNano())
		}
	}
	return all.String()
}
