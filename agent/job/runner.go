package job

import (
	"context"
	"os/exec"
)

// Runner is a way to a shim that runs as the user of Apps: Direct, Sudo or Socket.
type Runner interface {
	// hire starts the program exe as a shim. ctx bounds the start; the
	// shim must not end with it, and gets nothing of ours but its request.
	hire(ctx context.Context, exe string) (*hired, error)
	// explain recognises the runner's own refusal when a shim has ended
	// without an answer, in what was said on stderr. The code is "" if it does not.
	explain(stderr []string) (code, refusal string)
}

// Direct runs jobs as the agent's own user: demo, macOS, Windows.
type Direct struct{}

func (Direct) hire(_ context.Context, exe string) (*hired, error) {
	cmd := exec.Command(exe, ShimCommand)
	cmd.Env = cleanEnv()
	return startShim(cmd)
}

func (Direct) explain([]string) (code, refusal string) { return "", "" }
