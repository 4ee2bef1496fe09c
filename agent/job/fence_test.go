//go:build unix

package job

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

func TestNeverStarted(t *testing.T) {
	l := shell(t, "echo > out/ran")
	e := newExecutor(t)
	for range 2 {
		if _, err := e.Attach(l.Dir); !errors.Is(err, ErrNeverStarted) || !errors.Is(err, ErrNotRunning) {
			t.Errorf("Attach: %v", err)
		}
	}
	_, err := e.Start(t.Context(), l)
	if got := startError(t, err); got.Code != spec.CodeClaimed {
		t.Errorf("Start: %q: %v", got.Code, got)
	}
	if err := e.Reap(t.Context(), l.Dir); err != nil {
		t.Errorf("Reap: %v", err)
	}
	if _, err := e.Attach(filepath.Join(l.Dir, "none")); !errors.Is(err, ErrNeverStarted) {
		t.Errorf("Attach without a folder: %v", err)
	}
}

// lateRunner is a sudo that takes its time and cannot be killed by the agent.
type lateRunner struct{ Direct }

func (lateRunner) hire(_ context.Context, exe string) (*hired, error) {
	script := `exec 3<&0; (sleep 3; "$@" <&3; echo $? > "$DONE") &`
	cmd := exec.Command("/bin/sh", "-c", script, "late", exe, ShimCommand)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "DONE=" + os.Getenv("DONE")}
	return startShim(cmd)
}

// TestLateShim: a start that was given up does not happen later.
func TestLateShim(t *testing.T) {
	l := shell(t, "echo > out/ran")
	t.Setenv("DONE", filepath.Join(l.Dir, "done"))
	e, err := NewExecutor(Config{Runner: lateRunner{}})
	if err != nil {
		t.Fatal(err)
	}
	// Long enough for a shell to start on a busy machine, shorter than its sleep.
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = e.Start(ctx, l)
	if got := startError(t, err); got.Code != spec.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Start: %q: %v", got.Code, got)
	}
	if got := await(t, filepath.Join(l.Dir, "done")); got != "1" {
		t.Errorf("the late shim ended with %q", got)
	}
	if _, err := os.Stat(l.Dir + "/out/ran"); err == nil {
		t.Error("the App ran")
	}
}
