//go:build !linux

package shim

import (
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/spec"
)

// world does not exist here.
type world struct{}

// Close does nothing.
func (*world) Close() {}

func isInit([]string) bool { return false }

func initMain() int { return 1 }

func prewarm(any) *world { return nil }

func spawnIn(_ *world, l *spec.Launch, _, _ *os.File) (*tree, error) {
	return nil, &spec.StartError{Code: spec.CodeIsolation, Err: fmt.Errorf("isolating the App (%s): %w on this system", l.Isolation.Level, errors.ErrUnsupported)}
}

func probe() (isolation.Level, string) {
	return isolation.Off, "Apps are isolated on Linux only"
}
