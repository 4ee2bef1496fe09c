package parts

import (
	"tcenvsvr/agent/app"
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
		MaxOutput: int64(s.OutputMaxBytes),
	}
}
