package job

import (
	"context"
	"os/exec"
)

// Runner says how to start the shim. Its Command must pass stdin, stdout
// and stderr through and put nothing of its own into the environment.
type Runner interface {
	// Command prepares exe with args. The process must not end with ctx.
	Command(ctx context.Context, exe string, args ...string) (*exec.Cmd, error)
}

// explainer is a Runner that recognises its own refusal in what was said on stderr.
type explainer interface {
	explain(stderr []string) (refusal string, ok bool)
}

// Direct runs jobs as the agent's own user: demo, macOS, Windows.
type Direct struct{}

// Command implements Runner.
func (Direct) Command(_ context.Context, exe string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(exe, args...)
	cmd.Env = cleanEnv()
	return cmd, nil
}
