package local

import (
	"errors"
	"fmt"
	"os/user"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Sandbox says as which user and how the App runs.
type Sandbox struct {
	User   string `json:"user"`
	Runner string `json:"runner"` // sudo, socket or none
}

// String is shown in the first line of a run.
func (s Sandbox) String() string {
	switch {
	case s.Runner != "none":
		return fmt.Sprintf("as %s by %s", s.User, s.Runner)
	case settings.Sandboxed:
		return fmt.Sprintf("as %s, without a sandbox: it may do whatever %[1]s may", s.User)
	}
	return fmt.Sprintf("as %s, without a sandbox: this system has none", s.User)
}

// ErrNoSandbox means that the App would run with all rights of the user who runs the command.
var ErrNoSandbox = errors.New("there is no sandbox to run it in")

// sandbox decides as which user the App runs.
func (r *Run) sandbox(jobs *parts.Jobs) (Sandbox, error) {
	s := Sandbox{User: jobs.User(), Runner: r.Settings.Runner()}
	if s.User == "" {
		s.User = self()
	}
	if s.Runner == "none" && settings.Sandboxed && !r.NoSandbox {
		why := "appsSandboxUser is not set"
		if r.Settings.AppsRunner == "none" {
			why = "appsRunner is none"
		}
		return s, fmt.Errorf("running App %q: %w: %s\nhint: --no-sandbox runs it as %s, with all that %[4]s may do; a user for Apps is made by the package, or by \"sudo tcenvsvr host apply\"",
			r.File.Name(), ErrNoSandbox, why, s.User)
	}
	return s, nil
}

func self() string {
	u, err := user.Current()
	if err != nil {
		return "its caller"
	}
	return u.Username
}
