package link_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

func TestProbe(t *testing.T) {
	b := linktest.Start(t, linktest.Config{Environment: "Lab", Token: "good"})
	for _, transport := range []string{link.TransportRaw, link.TransportWebSocket} {
		c := link.Config{
			Address: b.Address(), Transport: transport, TLS: b.TLS(t),
			Hello: func() wire.Hello { return wire.Hello{Protocol: wire.Protocol, ServerXID: "x", BrokerToken: "good"} },
		}
		if p, err := link.Probe(t.Context(), c); err != nil || p.Environment != "Lab" {
			t.Errorf("%s: got %+v, %v", transport, p, err)
		}
		c.Hello = func() wire.Hello { return wire.Hello{Protocol: wire.Protocol, ServerXID: "x", BrokerToken: "bad"} }
		_, err := link.Probe(t.Context(), c)
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "hello.bad_broker_token" {
			t.Errorf("%s, wrong token: got %v", transport, err)
		}
	}
	c := link.Config{Address: "127.0.0.1:1", TLS: b.TLS(t), Hello: func() wire.Hello { return wire.Hello{} }}
	if _, err := link.Probe(t.Context(), c); err == nil {
		t.Error("nothing listens there, and no error")
	}
}

// piped is a dialer whose connections end here.
type piped struct{ to net.Conn }

func (p piped) DialContext(context.Context, string, string) (net.Conn, error) { return p.to, nil }

// TestCloudThatDoesNotAnswer: what says nothing, or hangs up, is told apart by how far it came, in bubble
// time.
func TestCloudThatDoesNotAnswer(t *testing.T) {
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	for name, tt := range map[string]struct {
		beforeTLS, behindTLS func(net.Conn)
		code                 fault.Code
		want                 string
	}{
		"silent before TLS":   {silent, nil, "tls.timeout", "the TLS handshake was not answered in time"},
		"hangs up before TLS": {func(c net.Conn) { _, _ = c.Read(make([]byte, 64<<10)) }, nil, "tls.closed", "the connection was closed during the TLS handshake"},
		"silent behind hello": {nil, silent, "hello.timeout", "the cloud did not answer hello in time"},
		"hangs up on hello":   {nil, func(c net.Conn) { _, _ = wire.ReadFrame(c) }, "hello.closed", "the connection ended before the welcome"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := linktest.NewCA(t, "CA")
				cert := ca.Issue(t, "broker.test")
				near, far := net.Pipe()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					defer func() { _ = far.Close() }()
					if tt.beforeTLS != nil {
						tt.beforeTLS(far)
						return
					}
					tt.behindTLS(tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{wire.ALPN}}))
				}()
				_, err := link.Probe(t.Context(), link.Config{
					Address: "broker.test", Dialer: piped{near}, Hello: hello,
					TLS: func() (*tls.Config, error) { return &tls.Config{RootCAs: ca.Pool()}, nil },
				})
				if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != tt.code || !strings.Contains(f.Message, tt.want) {
					t.Errorf("got %v, want %s: %s", err, tt.code, tt.want)
				}
				<-ended
			})
		})
	}
}
