package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/proxy"
)

// dialer is the way to the cloud: through the proxy where proxyTC says so.
func (d *daemon) dialer(roots *x509.CertPool) (*proxy.Dialer, error) {
	s := d.settings
	if !s.ProxyTC {
		return proxy.New(proxy.Config{})
	}
	return proxy.New(proxy.Config{
		Host: s.ProxyHost, Port: s.ProxyPort, Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(),
		TLS: func() (*tls.Config, error) { return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil },
	})
}

func (d *daemon) newLink(trust *tls.Config, dialer *proxy.Dialer) (*link.Link, error) {
	return link.New(link.Config{
		Address:   d.settings.BrokerAddr(),
		Transport: d.settings.QueueTransport,
		TLS:       func() (*tls.Config, error) { return trust.Clone(), nil },
		Dialer:    dialer,
		Hello:     d.agent.Hello,
		Handler:   d.agent,
		Logger:    d.logger.With("component", "link"),
	})
}

// httpClient is for the API: same trust, same proxy. It has no overall
// timeout because an App may take long to download; silence is bounded.
func httpClient(trust *tls.Config, dialer *proxy.Dialer) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:           dialer.DialContext,
		TLSClientConfig:       trust.Clone(),
		TLSHandshakeTimeout:   20 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
	}}
}
