package test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/proxy/proxytest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// trouble is an agent with something wrong around it.
type trouble struct {
	name, step, code string
	flags            []string
	settings         []string         // keys and values
	environment      string           // of a server of its own; "" = a copy of the one in lab
	keystoreOf       *stage.Agent     // instead of its own
	mend             func(*testing.T) // removes the cause
	later            bool             // another failure may be shown before
}

// TestNetworkErrorsHaveNames causes every failure of a connection for real and looks for its name
// where people look: in status, for programs and for people, and in the log. Where the cause goes
// away, the agent connects by itself.
func TestNetworkErrorsHaveNames(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Tool(t, "squid")
	s := newScene(t)
	ca := privateCA(t)
	cert := serverCertificate(t, ca, "localhost")
	c := s.cloud("lab", s.given("with-chain", cert, ca)...)
	// Another cloud shows the same certificate, and its bundles lack the CA.
	other, err := s.StartCloud(s.ctx, "other", s.given("without-chain", cert)...)
	s.must(err, "starting another cloud")
	_, err = other.Do(s.ctx, "env", "create", "lab")
	s.must(err, "creating its Environment")
	_, err = c.Do(s.ctx, "env", "create", "asleep")
	s.must(err, "creating an Environment")
	spare, err := c.Enroll(s.ctx, "lab", "spare")
	s.must(err, "enrolling a server")
	one, err := c.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling a server")

	squid, _ := proxytest.Squid(t, "ada", "sesame", "acl banned dstdomain banned.invalid", "http_access deny banned")
	socks := proxytest.SOCKS5(t, proxytest.Options{Hosts: map[string]string{hidden: c.Broker}})
	plain := plainHTTP(t)
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	web.StartTLS()
	defer web.Close()
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler()) // a broker to whoever looks no further than ALPN
	stranger.TLS = &tls.Config{NextProtos: []string{wire.ALPN}}
	stranger.StartTLS()
	defer stranger.Close()
	free := freeAddress(t)

	// The bundle of the cloud whose bundles lack the CA is not even enrolled with.
	_, err = other.Enroll(s.ctx, "lab", "stray")
	if err == nil || !strings.Contains(err.Error(), "tls.unknown_authority") || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("enrolling at a cloud of an unknown CA: %v", err)
	}
	troubles := []trouble{
		{name: "nothing listens", step: "tcp", code: "tcp.refused", flags: []string{"--brokerHost", free},
			mend: func(t *testing.T) { newRelay(t, free, c.Broker) }},
		{name: "plain HTTP", step: "tls", code: "tls.not_tls", flags: []string{"--brokerHost", plain.addr},
			mend: func(t *testing.T) { plain.close(); newRelay(t, plain.addr, c.Broker) }},
		{name: "inactive Environment", step: "hello", code: "hello.environment_inactive", environment: "asleep",
			mend: func(*testing.T) {
				_, err := c.Do(s.ctx, "env", "activate", "asleep")
				s.must(err, "activating the Environment")
			}},
		{name: "unknown CA", step: "tls", code: "tls.unknown_authority", flags: []string{"--brokerHost", stranger.Listener.Addr().String()}},
		{name: "another cloud's bundle", step: "hello", code: "hello.client_certificate", flags: []string{"--brokerHost", other.Broker}},
		{name: "another server's keystore", step: "hello", code: "hello.client_certificate", keystoreOf: spare},
		{name: "wrong token", step: "hello", code: "hello.bad_broker_token", settings: []string{"brokerToken", "not-the-token"}},
		{name: "name of another host", step: "tls", code: "tls.name_mismatch", flags: append(s.proxyFlags(socks.URL()), "--brokerHost", hidden)},
		{name: "no such name", step: "dns", code: notFound(t, hidden), flags: []string{"--brokerHost", hidden}},
		{name: "no WebSocket", step: "websocket", code: "websocket.upgrade", flags: []string{"--queueTransport", "websocket", "--brokerHost", web.Listener.Addr().String()}},
		{name: "407", step: "proxy", code: "proxy.auth", flags: s.proxyFlags(squid), settings: []string{"proxyPassword", "wrong-sesame"}},
		{name: "403", step: "proxy", code: "proxy.forbidden", settings: []string{"proxyPassword", "sesame"},
			flags: append(s.proxyFlags(squid), "--brokerHost", "banned.invalid:62000")},
		{name: "no proxy", step: "proxy", code: "proxy.refused", flags: s.proxyFlags("http://" + freeAddress(t))},
	}
	for i, tr := range troubles {
		t.Run(tr.name, func(t *testing.T) {
			s := s.withT(t)
			a := s.agentInTrouble(c, one, i, tr)
			defer a.Kill() // before what it is connected to goes away
			s.failureIsNamed(a, tr)
			if tr.mend != nil {
				tr.mend(t)
				s.must(a.Connected(s.ctx), "waiting for the agent to connect by itself")
			}
		})
	}
	s.silentAbout("not-the-token", "sesame")
}

// agentInTrouble copies an agent, causes the trouble and starts the copy.
func (s *scene) agentInTrouble(c *stage.Cloud, one *stage.Agent, n int, tr trouble) *stage.Agent {
	s.t.Helper()
	name := fmt.Sprint("agent-", n)
	a, err := one.Copy(name)
	if tr.environment != "" {
		a, err = c.Enroll(s.ctx, tr.environment, name+"-elsewhere")
	}
	s.must(err, "making an agent for "+tr.name)
	if tr.environment != "" {
		_, err := c.Do(s.ctx, "env", "deactivate", tr.environment)
		s.must(err, "deactivating the Environment")
	}
	if tr.keystoreOf != nil {
		from, err := paths.New(tr.keystoreOf.Home)
		s.must(err, "finding a keystore")
		to, err := paths.New(a.Home)
		s.must(err, "finding a keystore")
		data, err := os.ReadFile(from.Keystore)
		s.must(err, "reading a keystore")
		s.must(os.WriteFile(to.Keystore, data, 0o600), "exchanging the keystore")
		tr.settings = []string{"keystorePassword", s.secretsOf(tr.keystoreOf)[2]}
	}
	s.must(set(a, tr.settings...), "changing settings for "+tr.name)
	s.must(a.Start(append([]string{"--appsRunner", "none"}, tr.flags...)...), "starting the agent for "+tr.name)
	return a
}

// failureIsNamed waits until the agent's status shows the failure, and checks all places that name
// it.
func (s *scene) failureIsNamed(a *stage.Agent, tr trouble) {
	s.t.Helper()
	var status stage.Status
	s.eventually("waiting for "+tr.code, func() (err error) {
		select {
		case <-a.Done():
			s.t.Fatal("the agent gave up")
		default:
		}
		status, err = a.Status(s.ctx)
		if f := status.Link.Failure; err == nil && (f == nil || tr.later && f.Code != tr.code) {
			err = fmt.Errorf("the failure is %+v", f)
		}
		return err
	})
	f := status.Link.Failure
	if f.Code != tr.code || f.Step != tr.step || f.Message == "" || f.Hint == "" {
		s.t.Fatalf("status: got %+v, want step %q, code %q, a message and a hint", *f, tr.step, tr.code)
	}
	text, err := a.Do(s.ctx, "status")
	s.must(err, "asking for the status")
	for _, part := range []string{"NOT connected", f.Step + " failed", f.Message, "(" + f.Code + ")", "hint: " + f.Hint} {
		if !strings.Contains(text, part) {
			s.t.Errorf("status for people lacks %q:\n%s", part, text)
		}
	}
	s.must(logged(a, "fault.code="+tr.code), "reading the log")
}

// freeAddress is one where nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// notFound is what this host's resolver makes of a name that does not exist: some networks have
// none that answers.
func notFound(t *testing.T, name string) string {
	t.Helper()
	_, err := net.LookupHost(name)
	if d, ok := errors.AsType[*net.DNSError](err); !ok || d.IsNotFound {
		return "dns.not_found"
	}
	return "dns.failed"
}

// plainServer answers HTTP without TLS.
type plainServer struct {
	addr  string
	close func()
}

func plainHTTP(t *testing.T) plainServer {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(srv.Close)
	return plainServer{srv.Listener.Addr().String(), srv.Close}
}

// TestNetworkRevokedServer cuts a server off while it is connected, and keeps it out when it comes
// back.
func TestNetworkRevokedServer(t *testing.T) {
	s := newScene(t)
	c := s.cloud("lab")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	var servers []struct {
		XID string `json:"xid"`
	}
	s.must(c.JSON(s.ctx, &servers, "server", "list"), "listing servers")
	if len(servers) != 1 {
		t.Fatalf("%d servers; want 1", len(servers))
	}
	_, err := c.Do(s.ctx, "server", "revoke", servers[0].XID)
	s.must(err, "revoking the server")
	s.eventually("waiting for the end of the session", func() error { return logged(a, "fault.code=session.revoked") })
	s.failureIsNamed(a, trouble{step: "hello", code: "hello.revoked", later: true})
	a.Kill()
	s.must(a.Start("--queueTransport", "websocket"), "starting the agent again")
	s.failureIsNamed(a, trouble{step: "hello", code: "hello.revoked"})
}
