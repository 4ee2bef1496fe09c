package link

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// Bounds of the steps of connecting.
const (
	dialTimeout      = 30 * time.Second
	handshakeTimeout = 15 * time.Second
)

// connect makes a connection to b ready for hello.
func (l *Link) connect(ctx context.Context, b *broker) (*conn.Conn, *fault.Fault) {
	conf, err := l.tlsConfig(b)
	if err != nil {
		return nil, fault.New(fault.TLS, "tls.settings", err, "reading the keystore and the trusted CAs: %v", err)
	}
	c, err := l.dial(ctx, b)
	if err != nil {
		return nil, fault.Dialing(err)
	}
	tc := tls.Client(c, conf)
	shake, cancel := context.WithTimeout(ctx, l.within(handshakeTimeout))
	defer cancel()
	if err := tc.HandshakeContext(shake); err != nil {
		_ = c.Close()
		return nil, fault.Handshake(err)
	}
	if l.conf.Transport != TransportWebSocket {
		return conn.Raw(tc), nil
	}
	return l.upgrade(ctx, tc, b)
}

func (l *Link) dial(ctx context.Context, b *broker) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.within(dialTimeout))
	defer cancel()
	return l.conf.Dialer.DialContext(ctx, "tcp", b.addr)
}

// tlsConfig completes what [Config.TLS] returns.
func (l *Link) tlsConfig(b *broker) (*tls.Config, error) {
	settings := l.conf.TLS
	if b.named {
		settings = l.conf.Pinned
	}
	given, err := settings()
	if err != nil {
		return nil, err
	}
	if given == nil {
		given = &tls.Config{}
	}
	conf := given.Clone()
	conf.InsecureSkipVerify = false // there is no switch for this
	if conf.ServerName == "" {
		conf.ServerName = b.host
	}
	if l.conf.Transport == TransportWebSocket {
		conf.NextProtos = []string{wire.ALPNWebSocket}
		conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12) // inspecting proxies
	} else {
		conf.NextProtos = []string{wire.ALPN}
		conf.MinVersion = tls.VersionTLS13
	}
	return conf, nil
}

// upgrade starts WebSocket on a connection that has TLS already.
func (l *Link) upgrade(ctx context.Context, tc *tls.Conn, b *broker) (*conn.Conn, *fault.Fault) {
	stop := context.AfterFunc(ctx, func() { _ = tc.Close() }) // gorilla heeds deadlines only
	defer stop()
	d := websocket.Dialer{
		NetDialTLSContext: func(context.Context, string, string) (net.Conn, error) { return tc, nil },
		HandshakeTimeout:  l.within(handshakeTimeout),
	}
	ws, resp, err := d.DialContext(ctx, "wss://"+b.addr+wire.WebSocketPath, nil)
	if err != nil {
		_ = tc.Close()
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		return nil, fault.Upgrading(status, err)
	}
	return conn.WebSocket(ws), nil
}
