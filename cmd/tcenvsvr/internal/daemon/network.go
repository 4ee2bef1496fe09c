package daemon

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/settings"
)

// Dialer is the way to the cloud by the settings: through the proxy where
// proxyTC says so; conf is for https:// proxies.
func Dialer(s settings.Settings, conf func() (*tls.Config, error)) (*proxy.Dialer, error) {
	if !s.ProxyTC {
		return proxy.New(proxy.Config{})
	}
	return proxy.New(proxy.Config{
		Host: s.ProxyHost, Port: s.ProxyPort, Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(),
		TLS: conf,
	})
}

// way is the Dialer of this moment. New settings change it; connections
// that are open stay.
type way struct {
	conf   func() (*tls.Config, error)
	dialer atomic.Pointer[proxy.Dialer]
}

func newWay(s settings.Settings, conf func() (*tls.Config, error)) (*way, error) {
	w := &way{conf: conf}
	return w, w.use(s)
}

func (w *way) use(s settings.Settings) error {
	d, err := Dialer(s, w.conf)
	if err == nil {
		w.dialer.Store(d)
	}
	return err
}

// DialContext connects the way of this moment.
func (w *way) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return w.dialer.Load().DialContext(ctx, network, addr)
}

// String is the proxy's URL without credentials, "" for a direct way.
func (w *way) String() string { return w.dialer.Load().String() }

func (d *daemon) newLink(s settings.Settings) (*link.Link, error) {
	return link.New(link.Config{
		Address:   s.BrokerAddr(),
		Transport: s.QueueTransport,
		TLS:       tlsConfig(d.trust, d.id.Offer), // a renewed certificate too
		Dialer:    d.way.dialer.Load(),
		Hello:     d.agent.Hello,
		Handler:   d.renewer,
		Logger:    d.logger.With("component", "link"),
	})
}

// handshakePatience bounds a TLS handshake with the API.
const handshakePatience = 20 * time.Second

// httpClient is for the API: same trust, same proxy. It has no overall
// timeout because an App may take long to download; silence is bounded. The
// TLS configuration is asked for each connection, because CAs change.
func httpClient(conf func() (*tls.Config, error), way *way) *http.Client {
	dialTLS := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := conf()
		if err != nil {
			return nil, err
		}
		if c.ServerName, _, err = net.SplitHostPort(addr); err != nil {
			return nil, err
		}
		c.NextProtos = []string{"h2", "http/1.1"}
		raw, err := way.DialContext(ctx, network, addr)
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
		DialContext:           way.DialContext,
		DialTLSContext:        dialTLS,
		ResponseHeaderTimeout: 60 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
	}}
}
