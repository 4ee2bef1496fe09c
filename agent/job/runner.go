package job

import (
	"context"
	"os/exec"
)

// Runner starts shims as the user of Apps. [Direct], [Sudo] and [Socket] are the runners.
type Runner interface {
	// startShim starts the program exe as a shim. ctx bounds the start; the shim must not end with
	// ctx, and inherits nothing from the agent but the ends of its request and answer.
	startShim(ctx context.Context, exe string) (*startedShim, error)
	// explain recognises the runner's own refusal in the stderr of a shim that has ended without an
	// answer. The code is "" if there is none.
	explain(stderr []string) (code, refusal string)
}

// Direct runs jobs as the agent's own user: in the demo, on macOS and on Windows.
type Direct struct{}

func (Direct) startShim(_ context.Context, exe string) (*startedShim, error) {
	cmd := exec.Command(exe, ShimCommand)
	cmd.Env = cleanEnv()
	return startCommand(cmd)
}

func (Direct) explain([]string) (code, refusal string) { return "", "" }
