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
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// dialer is how the cloud is reached at this moment. New settings change it; open connections stay.
type dialer struct {
	conf func() (*tls.Config, error)
	now  atomic.Pointer[proxy.Dialer]
}

func newDialer(s settings.Settings, conf func() (*tls.Config, error)) (*dialer, error) {
	d := &dialer{conf: conf}
	return d, d.use(s)
}

func (d *dialer) use(s settings.Settings) error {
	next, err := parts.Dialer(s, d.conf)
	if err == nil {
		d.now.Store(next)
	}
	return err
}

// DialContext connects as the settings of this moment say.
func (d *dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.now.Load().DialContext(ctx, network, addr)
}

// String is the proxy's URL without credentials, "" without one.
func (d *dialer) String() string { return d.now.Load().String() }

func (d *daemon) newLink(s settings.Settings) (*link.Link, error) {
	d.directory.Set(s.BrokerAddrs())
	return link.New(link.Config{
		Address:   s.BrokerAddr(),
		Transport: s.QueueTransport,
		TLS:       tlsConfig(d.trust, d.id.Offer), // a renewed certificate too
		Directory: d.directory,
		Pinned:    pinned(d.id),
		Dialer:    d.dialer.now.Load(),
		Hello:     d.agent.Hello,
		Handler:   d.renewer,
		Logger:    d.logger.With("component", "link"),
	})
}

// handshakeTimeout bounds a TLS handshake with the API.
const handshakeTimeout = 20 * time.Second

// httpClient is for the API, with the same trust and the same proxy as the link. It has no overall
// timeout because an App may take long to download; silence is bounded. conf is called for each
// connection, because CAs change.
func httpClient(conf func() (*tls.Config, error), dialer *dialer) *http.Client {
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
