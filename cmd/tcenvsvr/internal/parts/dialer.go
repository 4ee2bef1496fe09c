package parts

import (
	"crypto/tls"

	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/settings"
)

// Dialer connects to the cloud as the settings say: through the proxy if proxyTC is set, else
// directly. conf gives the TLS configuration of https:// proxies.
func Dialer(s settings.Settings, conf func() (*tls.Config, error)) (*proxy.Dialer, error) {
	if !s.ProxyTC {
		return proxy.New(proxy.Config{})
	}
	return proxy.New(proxy.Config{
		Host: s.ProxyHost, Port: s.ProxyPort, Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(),
		TLS: conf,
	})
}
