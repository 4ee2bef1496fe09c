package daemon

import (
	"log/slog"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/settings"
)

// Jobs starts Apps and looks after their folders, as the sandbox user
// where there is one.
type Jobs struct {
	*job.Executor
	user string // "" = our own
}

// NewJobs makes the executor the settings ask for.
func NewJobs(s settings.Settings, logger *slog.Logger) (*Jobs, error) {
	j := &Jobs{}
	var runner job.Runner = job.Direct{}
	if s.Runner() == "sudo" {
		j.user = s.SandboxUser
		runner = job.Sudo{User: s.SandboxUser}
	}
	var err error
	j.Executor, err = job.NewExecutor(job.Config{Runner: runner, Logger: logger.With("component", "job")})
	return j, err
}

// Execution is what every App is told, by the settings.
func Execution(s settings.Settings) app.Execution {
	return app.Execution{
		APIPath: s.APIURL + "/api",
		Proxy: app.ProxySettings{
			Host: s.ProxyHost, Port: s.ProxyPort, Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(),
			TC: s.ProxyTC, External: s.ProxyExternal,
		},
		JavaHome: s.JavaHome, PythonHome: s.PythonHome, PythonHome311: s.PythonHome311,
		MaxOutput: int64(s.OutputMaxBytes),
	}
}
