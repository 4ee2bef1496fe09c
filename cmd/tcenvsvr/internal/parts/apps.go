package parts

import (
	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/settings"
)

// Execution is what every App is told by the settings.
func Execution(s settings.Settings) app.Execution {
	var proxy app.ProxySettings
	if u := s.ProxyURL(); u != nil { // without the scheme that proxyHost may begin with: Apps expect a host
		proxy = app.ProxySettings{
			Scheme: u.Scheme, Host: u.Hostname(), Port: s.ProxyPort,
			Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(), TC: s.ProxyTC, External: s.ProxyExternal,
		}
	}
	return app.Execution{
		APIPath: s.APIURL + "/api", Proxy: proxy,
		JavaHome: s.JavaHome, PythonHome: s.PythonHome, PythonHome311: s.PythonHome311,
		MaxOutput: int64(s.OutputMaxBytes), Limits: limits(s),
	}
}

// limits are those of one App. Where only all processes of the sandbox user can be counted, each
// executor and each service has its part.
func limits(s settings.Settings) job.Limits {
	return job.Limits{
		Memory: uint64(s.AppsMemory) << 20, Tasks: uint64(s.TasksMax), CPUWeight: uint64(s.CPUWeight),
		Processes: uint64(s.TasksMax) * uint64(s.JobExecutors+s.Services),
	}
}
