package job

import (
	"strings"

	"tcenvsvr/agent/job/internal/spec"
)

// Sudo runs jobs as another user, by the sudoers rule
//
//	Defaults:threatconnect !requiretty, !use_pty, !pam_session, !pam_setcred
//	threatconnect ALL=(tc-job) NOPASSWD: ALL
//
// With all of these defaults sudo becomes the shim. Without them it stays beside every job as a
// process of root of some 5 MB; nothing else differs. sudo_unix.go has the one call of sudo that
// this program makes to run Apps.
type Sudo struct {
	User string // tc-job
}

// explain recognises the messages of sudo itself, like "sudo: a password is required", sometimes in
// several lines of which any may be the reason.
func (s Sudo) explain(stderr []string) (code, refusal string) {
	var refusals []string
	for _, line := range stderr {
		if text, ok := strings.CutPrefix(line, "sudo: "); ok && !strings.HasPrefix(text, "unable to resolve host") {
			refusals = append(refusals, text)
		} else if strings.Contains(line, "sudoers") || strings.Contains(line, "not allowed to") {
			refusals = append(refusals, line)
		}
	}
	if len(refusals) == 0 {
		return "", ""
	}
	return spec.CodeRefused, "sudo: " + strings.Join(refusals, "; ")
}
