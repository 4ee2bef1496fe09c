package daemon

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/proxy"
	"tcenvsvr/agent/settings"
)

// dialer is the way to the cloud: through the proxy where proxyTC says so.
func (d *daemon) dialer() (*proxy.Dialer, error) { return Dialer(d.settings, tlsConfig(d.trust)) }

// Dialer is the way to the cloud by the settings; conf is for https:// proxies.
func Dialer(s settings.Settings, conf func() (*tls.Config, error)) (*proxy.Dialer, error) {
	if !s.ProxyTC {
		return proxy.New(proxy.Config{})
	}
	return proxy.New(proxy.Config{
		Host: s.ProxyHost, Port: s.ProxyPort, Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(),
		TLS: conf,
	})
}

func (d *daemon) newLink(conf func() (*tls.Config, error), dialer *proxy.Dialer) (*link.Link, error) {
	return link.New(link.Config{
		Address:   d.settings.BrokerAddr(),
		Transport: d.settings.QueueTransport,
		TLS:       conf,
		Dialer:    dialer,
		Hello:     d.agent.Hello,
		Handler:   d.agent,
		Logger:    d.logger.With("component", "link"),
	})
}

// handshakePatience bounds a TLS handshake with the API.
const handshakePatience = 20 * time.Second

// httpClient is for the API: same trust, same proxy. It has no overall
// timeout because an App may take long to download; silence is bounded. The
// TLS configuration is asked for each connection, because CAs change.
func httpClient(conf func() (*tls.Config, error), dialer *proxy.Dialer) *http.Client {
	dialTLS := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := conf()
		if err != nil {
			return nil, err
		}
		if c.ServerName, _, err = net.SplitHostPort(addr); err != nil {
			return nil, err
		}
		c.NextProtos = []string{"h2", "http/1.1"}
		raw, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, handshakePatience)
		defer cancel()
		conn := tls.Client(raw, c)
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		return conn, nil
	}
	return &http.Client{Transport: &http.Transport{
		DialContext:           dialer.DialContext,
		DialTLSContext:        dialTLS,
		ResponseHeaderTimeout: 60 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
	}}
}
