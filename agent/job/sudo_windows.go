package job

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/job/internal/spec"
)

func (s Sudo) startShim(context.Context, string) (*startedShim, error) {
	return nil, &StartError{Code: spec.CodeNoSudo, Err: fmt.Errorf("running as %q by sudo: %w", s.User, errors.ErrUnsupported)}
}

// cleanEnv is the whole environment of a shim: Windows programs must know where Windows is, and
// sockets where temporary files are.
func cleanEnv() []string {
	var env []string
	for _, name := range []string{"SystemRoot", "SystemDrive", "TEMP", "TMP"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
