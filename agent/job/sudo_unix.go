//go:build unix

package job

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"tcenvsvr/agent/job/internal/spec"
)

// sudoPaths are where sudo is looked for. PATH is not used, because others may have set it.
var sudoPaths = []string{"/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/usr/sbin/sudo"}

func (s Sudo) startShim(_ context.Context, exe string) (*startedShim, error) {
	cmd, err := s.command(exe)
	if err != nil {
		return nil, err
	}
	return startCommand(cmd)
}

// command is the call of sudo that starts exe as a shim.
func (s Sudo) command(exe string) (*exec.Cmd, error) {
	if s.User == "" || strings.HasPrefix(s.User, "-") {
		return nil, &StartError{Code: spec.CodeUser, Err: fmt.Errorf("running as the sandbox user: %q is no user name", s.User)}
	}
	for _, path := range sudoPaths {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			cmd := exec.Command(path, "-n", "-u", s.User, "--", exe, ShimCommand)
			cmd.Env = cleanEnv()
			return cmd, nil
		}
	}
	return nil, &StartError{Code: spec.CodeNoSudo, Err: fmt.Errorf("running as %q: no sudo in %s", s.User, strings.Join(sudoPaths, ", "))}
}

// cleanEnv is the whole environment of a shim, and of sudo before it.
func cleanEnv() []string { return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"} }
