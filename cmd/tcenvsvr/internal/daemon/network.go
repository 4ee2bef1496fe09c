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

// Dialer returns a dialer for the cloud: through the proxy if proxyTC says so, else direct. conf is
// for https:// proxies.
func Dialer(s settings.Settings, conf func() (*tls.Config, error)) (*proxy.Dialer, error) {
	if !s.ProxyTC {
		return proxy.New(proxy.Config{})
	}
	return proxy.New(proxy.Config{
		Host: s.ProxyHost, Port: s.ProxyPort, Username: s.ProxyUsername, Password: s.ProxyPassword.Reveal(),
		TLS: conf,
	})
}

// liveDialer is a dialer that follows the settings while the agent runs. New settings change it;
// open connections stay.
type liveDialer struct {
	conf    func() (*tls.Config, error)
	current atomic.Pointer[proxy.Dialer]
}

func newLiveDialer(s settings.Settings, conf func() (*tls.Config, error)) (*liveDialer, error) {
	w := &liveDialer{conf: conf}
	return w, w.use(s)
}

func (w *liveDialer) use(s settings.Settings) error {
	d, err := Dialer(s, w.conf)
	if err == nil {
		w.current.Store(d)
	}
	return err
}

// DialContext connects by the settings of this moment.
func (w *liveDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return w.current.Load().DialContext(ctx, network, addr)
}

// String is the proxy's URL without credentials, "" for direct connections.
func (w *liveDialer) String() string { return w.current.Load().String() }

func (d *daemon) newLink(s settings.Settings) (*link.Link, error) {
	return link.New(link.Config{
		Address:   s.BrokerAddr(),
		Transport: s.QueueTransport,
		TLS:       tlsConfig(d.trust, d.id.Offer), // a renewed certificate too
		Dialer:    d.dialer.current.Load(),
		Hello:     d.agent.Hello,
		Handler:   d.renewer,
		Logger:    d.logger.With("component", "link"),
	})
}

// handshakeTimeout bounds a TLS handshake with the API.
const handshakeTimeout = 20 * time.Second

// httpClient is for the API: same trust, same proxy. It has no overall
// timeout because an App may take long to download; silence is bounded. The
// TLS configuration is asked for each connection, because CAs change.
func httpClient(conf func() (*tls.Config, error), dialer *liveDialer) *http.Client {
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
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
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
