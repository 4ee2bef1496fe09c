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

// Sudo runs jobs as another user, by the sudoers rule
//
//	Defaults:threatconnect !requiretty, !use_pty, !pam_session, !pam_setcred
//	threatconnect ALL=(tc-job) NOPASSWD: ALL
//
// With all of these defaults sudo becomes the shim; without them it stays
// beside every job as a process of root of some 5 MB, and nothing else differs.
type Sudo struct {
	User string // tc-job
}

// sudoPaths are where sudo is looked for: never in PATH, which others may have set.
var sudoPaths = []string{"/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/usr/sbin/sudo"}

func (s Sudo) hire(_ context.Context, exe string) (*hired, error) {
	cmd, err := s.command(exe)
	if err != nil {
		return nil, err
	}
	return startShim(cmd)
}

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

// explain recognises what sudo itself says, like "sudo: a password is
// required", sometimes in several lines of which any may be the reason.
func (s Sudo) explain(stderr []string) (code, refusal string) {
	var said []string
	for _, line := range stderr {
		if text, ok := strings.CutPrefix(line, "sudo: "); ok && !strings.HasPrefix(text, "unable to resolve host") {
			said = append(said, text)
		} else if strings.Contains(line, "sudoers") || strings.Contains(line, "not allowed to") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return "", ""
	}
	return spec.CodeRefused, "sudo: " + strings.Join(said, "; ")
}

// cleanEnv is what a shim, or sudo before it, gets to see.
func cleanEnv() []string { return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"} }
