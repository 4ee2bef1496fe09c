//go:build !linux

package shim

import (
	"errors"
	"fmt"
	"net"

	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/spec"
)

// world does not exist here.
type world struct{}

// Close does nothing.
func (*world) Close() {}

func isInit([]string) bool { return false }

func initMain() int { return 1 }

// mayServe is false: here it cannot be known that nothing of the last App lives.
func (a *agentEnd) mayServe(isolation.Level) bool { return false }

func (s *supervisor) prepareWorld() error {
	if !s.launch.Isolation.On() {
		return nil
	}
	return &spec.StartError{Code: spec.CodeIsolation, Err: fmt.Errorf("isolating the App (%s): %w on this system", s.launch.Isolation.Level, errors.ErrUnsupported)}
}

func (s *supervisor) spawnIsolated() (*tree, error) { return nil, errors.ErrUnsupported }

// warmApp does not exist here.
type warmApp = world

func (s *supervisor) giveOrder(*net.UnixConn) error { return errors.ErrUnsupported }

func (s *supervisor) drain() {}

func probe() (isolation.Level, string) {
	return isolation.Off, "Apps are isolated on Linux only"
}
