package job

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/job/internal/spec"
)

// Sudo is for Unix.
type Sudo struct {
	User string
}

func (s Sudo) hire(context.Context, string) (*hired, error) {
	return nil, &StartError{Code: spec.CodeNoSudo, Err: fmt.Errorf("running as %q by sudo: %w", s.User, errors.ErrUnsupported)}
}

func (Sudo) explain([]string) (code, refusal string) { return "", "" }

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
