package janitor

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// Runner prepares a command as the sandbox user; package job's Runners are ones.
type Runner interface {
	Command(ctx context.Context, exe string, args ...string) (*exec.Cmd, error)
}

// script empties the folder "$1" of what the user owns, also where an App
// has made it read-only. Neither command follows links, and neither complains: the caller
// removes what is left and judges by that.
const script = `cd -- "$1" && { chmod -R u+rwX .; find . -mindepth 1 -delete; } 2>/dev/null; :`

// As returns a Janitor.RemoveAs that works as the runner's user (Unix).
func As(r Runner) func(ctx context.Context, dir string) error {
	return func(ctx context.Context, dir string) error {
		cmd, err := r.Command(ctx, "/bin/sh", "-c", script, "sh", dir)
		if err != nil {
			return fmt.Errorf("removing as the sandbox user: %w", err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("removing as the sandbox user: %w", err)
		}
		// TERM, not KILL: sudo passes it on.
		stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
		defer stop()
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("removing as the sandbox user: %w: %s", err, strings.TrimSpace(stderr.String()))
		}
		return nil
	}
}
