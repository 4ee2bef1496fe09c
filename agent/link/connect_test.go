package link_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/link/proxy/proxytest"
	"tcenvsvr/agent/link/wire"
)

const (
	proxyUser     = "agent"
	proxyPassword = "pr0xy-secret"
)

// through makes a link use a proxy with a login.
func through(t *testing.T, host, password string, ca *linktest.CA) func(*link.Config) {
	t.Helper()
	d, err := proxy.New(proxy.Config{
		Host: host, Username: proxyUser, Password: password,
		TLS: func() (*tls.Config, error) { return &tls.Config{RootCAs: ca.Pool()}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *link.Config) { c.Dialer = d }
}

func TestBothTransportsByEveryWay(t *testing.T) {
	ca := linktest.NewCA(t, "proxy CA")
	login := proxytest.Options{Username: proxyUser, Password: proxyPassword, Hosts: map[string]string{"broker.test": "127.0.0.1"}}
	overTLS := login
	overTLS.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1")}}
	ways := map[string]func() *proxytest.Proxy{
		"direct": func() *proxytest.Proxy { return nil },
		"http":   func() *proxytest.Proxy { return proxytest.HTTP(t, login) },
		"https":  func() *proxytest.Proxy { return proxytest.HTTP(t, overTLS) },
		"socks5": func() *proxytest.Proxy { return proxytest.SOCKS5(t, login) },
	}
	for way, newProxy := range ways {
		for _, transport := range []string{"raw", "websocket"} {
			for _, noALPN := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/noALPN=%v", way, transport, noALPN), func(t *testing.T) {
					b := linktest.Start(t, linktest.Config{Token: token, NoALPN: noALPN})
					p := newProxy()
					a := start(t, b, func(c *link.Config) {
						c.Transport = transport
						if p != nil { // a name that only the proxy knows
							c.Address = "broker.test:" + b.Port()
							through(t, p.URL(), proxyPassword, ca)(c)
						}
					})
					s := b.Accept(t)
					wait(t, a.welcomes)
					roundTrip(t, a, s)
					st := a.State()
					if !st.Connected || st.Transport != transport || s.Transport != transport || st.Environment != "test" || st.Epoch != s.Epoch || st.RTT <= 0 {
						t.Errorf("state is %+v", st)
					}
					if p == nil {
						return
					}
					if got := p.Targets(); len(got) != 1 || got[0] != "broker.test:"+b.Port() {
						t.Errorf("the proxy opened %q", got)
					}
					if st.Proxy != p.URL() || st.Remote != strings.TrimPrefix(p.URL(), way+"://") {
						t.Errorf("state shows proxy %q and remote %q", st.Proxy, st.Remote)
					}
				})
			}
		}
	}
}

func TestSquid(t *testing.T) {
	url, accessLog := proxytest.Squid(t, proxyUser, proxyPassword)
	for _, transport := range []string{"raw", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			b := linktest.Start(t, linktest.Config{})
			a := start(t, b, through(t, url, proxyPassword, b.CA), func(c *link.Config) { c.Transport = transport })
			s := b.Accept(t)
			wait(t, a.welcomes)
			roundTrip(t, a, s)
			a.stop()
			until(t, "a line in squid's log", func() bool {
				return strings.Contains(accessLog(), "CONNECT "+b.Address()+" "+proxyUser)
			})
		})
		t.Run(transport+" wrong password", func(t *testing.T) {
			b := linktest.Start(t, linktest.Config{})
			a := start(t, b, through(t, url, "wr0ng-secret", b.CA), func(c *link.Config) { c.Transport = transport })
			f := a.failure(t, fault.Proxy, "proxy.auth")
			for _, want := range []string{"407", "Basic"} {
				if !strings.Contains(f.Message, want) {
					t.Errorf("message %q does not tell %q", f.Message, want)
				}
			}
			if !strings.Contains(f.Hint, "proxyPassword") || strings.Contains(a.log.String(), "wr0ng-secret") {
				t.Errorf("hint %q, log %s", f.Hint, a.log)
			}
		})
	}
}

// changed alters the TLS configuration of an agent with a fresh bundle.
func changed(f func(*tls.Config)) func(*link.Config) {
	return func(c *link.Config) {
		conf, _ := c.TLS()
		conf = conf.Clone()
		f(conf)
		c.TLS = func() (*tls.Config, error) { return conf, nil }
	}
}

func TestRefusedConnections(t *testing.T) {
	foreign := linktest.NewCA(t, "Foreign CA")
	serverCert := func(c tls.Certificate) linktest.Config {
		return linktest.Config{TLS: func(s *tls.Config) { s.Certificates = []tls.Certificate{c} }}
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	expired := linktest.NewCA(t, "Expired CA")
	tests := map[string]struct {
		broker  linktest.Config
		refuse  *wire.Error
		agent   func(*link.Config)
		step    fault.Step
		code    fault.Code
		message string
	}{
		"wrong CA": {agent: changed(func(c *tls.Config) { c.RootCAs = foreign.Pool() }),
			step: fault.TLS, code: "tls.unknown_authority", message: "linktest CA"},
		"expired": {broker: serverCert(expired.IssueUntil(t, time.Now().Add(-time.Hour), "127.0.0.1")),
			agent: changed(func(c *tls.Config) { c.RootCAs = expired.Pool() }),
			step:  fault.TLS, code: "tls.expired", message: "Expired CA"},
		"expired, and so is its CA, which is not looked for": {broker: serverCert(expired.IssueUntil(t, time.Now().Add(-time.Hour), "127.0.0.1")),
			agent: changed(func(c *tls.Config) { c.RootCAs = foreign.Pool() }),
			step:  fault.TLS, code: "tls.expired", message: ", and the certificate of "},
		"another name": {agent: changed(func(c *tls.Config) { c.ServerName = "other.example.com" }),
			step: fault.TLS, code: "tls.name_mismatch", message: "other.example.com"},
		"verification cannot be turned off": {agent: changed(func(c *tls.Config) { c.InsecureSkipVerify, c.RootCAs = true, foreign.Pool() }),
			step: fault.TLS, code: "tls.unknown_authority"},
		"foreign client certificate": {agent: changed(func(c *tls.Config) {
			cert := foreign.Issue(t, "agent")
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}), step: fault.TLS, code: "tls.client_certificate"},
		"no client certificate": {agent: changed(func(c *tls.Config) { c.Certificates = nil }),
			step: fault.TLS, code: "tls.client_certificate", message: "the cloud refused the TLS connection: "},
		"keystore unreadable": {agent: func(c *link.Config) {
			c.TLS = func() (*tls.Config, error) { return nil, errors.New("keystore.p12: wrong password") }
		}, step: fault.TLS, code: "tls.settings", message: "keystore.p12"},
		"plain HTTP on the port": {agent: func(c *link.Config) { c.Address = plain.Listener.Addr().String() },
			step: fault.TLS, code: "tls.not_tls", message: `the other side does not speak TLS: it answered "HTTP/"`},
		"bad token": {broker: linktest.Config{Token: "another"}, step: fault.Hello, code: "hello.bad_broker_token"},
		"revoked": {refuse: &wire.Error{Code: wire.CodeRevoked, Message: "revoked by\x1b[31m admin"},
			step: fault.Hello, code: "hello.revoked", message: "revoked by?[31m admin"},
		"proxy demands a login": {agent: through(t, proxytest.HTTP(t, proxytest.Options{Username: proxyUser, Password: "another"}).URL(), proxyPassword, foreign),
			step: fault.Proxy, code: "proxy.auth", message: "offers Basic"},
		"nothing listens": {agent: func(c *link.Config) { c.Address = closedPort(t) },
			step: fault.TCP, code: "tcp.refused"},
		"invalid hello": {agent: func(c *link.Config) { c.Hello = func() wire.Hello { return wire.Hello{} } },
			step: fault.Hello, code: "hello.invalid", message: "protocol"},
	}
	for name, tt := range tests {
		for _, transport := range []string{"raw", "websocket"} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				b := linktest.Start(t, tt.broker)
				b.Refuse(tt.refuse)
				a := start(t, b, func(c *link.Config) {
					c.Transport = transport
					if tt.agent != nil {
						tt.agent(c)
					}
				})
				f := a.failure(t, tt.step, tt.code)
				if !strings.Contains(f.Message, tt.message) {
					t.Errorf("message is %q, want %q in it", f.Message, tt.message)
				}
			})
		}
	}
}

// A web server with TLS is no broker, and says so differently to each transport.
func TestNotABroker(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	b := linktest.Start(t, linktest.Config{})
	to := changed(func(c *tls.Config) { c.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs })
	address := func(c *link.Config) { c.Address = srv.Listener.Addr().String() }
	start(t, b, to, address).failure(t, fault.TLS, "tls.no_protocol")
	f := start(t, b, to, address, websocket).failure(t, fault.WebSocket, "websocket.upgrade")
	if want := "the other side answered status 404 instead of switching to WebSocket"; f.Message != want {
		t.Errorf("message is %q, want %q", f.Message, want)
	}
}

// What connects at last is reached without a restart: certificates are read afresh.
func TestTLSIsReadAtEachConnect(t *testing.T) {
	b := linktest.Start(t, linktest.Config{})
	foreign := linktest.NewCA(t, "Foreign CA")
	calls := 0
	a := start(t, b, func(c *link.Config) {
		good := c.TLS
		c.TLS = func() (*tls.Config, error) {
			if calls++; calls == 1 {
				return &tls.Config{RootCAs: foreign.Pool()}, nil
			}
			return good()
		}
	})
	b.Accept(t)
	wait(t, a.welcomes)
	if s := a.State(); !s.Connected || s.Failure == nil || s.Failure.Code != "tls.unknown_authority" || s.Attempts != 0 {
		t.Errorf("state is %+v", s)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
