package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"tcenvsvr/agent/job/internal/spec"
)

// Sudo is for Unix.
type Sudo struct {
	User string
}

// Command implements Runner.
func (s Sudo) Command(context.Context, string, ...string) (*exec.Cmd, error) {
	return nil, &StartError{Code: spec.CodeNoSudo, Err: fmt.Errorf("running as %q by sudo: %w", s.User, errors.ErrUnsupported)}
}

// cleanEnv is what a shim gets to see: Windows programs want to know where
// Windows is, and sockets where temporary files go.
func cleanEnv() []string {
	var env []string
	for _, name := range []string{"SystemRoot", "SystemDrive", "TEMP", "TMP"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
