package test

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tcenvsvr/agent/paths"
	"tcenvsvr/agent/proxy/proxytest"
	"tcenvsvr/agent/settings"
	"tcenvsvr/agent/wire"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// hidden is the cloud's name, which only the proxies can resolve.
const hidden = "cloud.invalid"

// way is one kind of proxy.
type way struct {
	name     string
	flags    []string
	password string
	tunnels  func() string // the targets asked for, a line each
}

// TestNetworkEveryWayToTheCloud runs a real App over both transports,
// directly and through every kind of proxy, with the cloud's own certificate and
// with a given one: session, package, and published file go the same way.
func TestNetworkEveryWayToTheCloud(t *testing.T) {
	need.Python(t)
	need.Tool(t, "squid")
	for _, trust := range []string{"own CA", "given certificate"} {
		t.Run(trust, func(t *testing.T) {
			s := newScene(t)
			flags := []string{"--name", hidden}
			ca := privateCA(t)
			if trust == "given certificate" {
				flags = append(flags, s.given("given", serverCertificate(t, ca, hidden), ca)...)
			}
			c := s.cloud("first", flags...)
			if trust == "own CA" {
				ca = s.ownCA()
			}
			s.add(c, "job")
			ways := s.ways(c, ca)
			var all sync.WaitGroup
			for _, w := range ways {
				for _, transport := range []string{"raw", "websocket"} {
					a := s.onWay(c, w, transport)
					all.Go(func() {
						if err := s.report(c, a, transport, w); err != nil {
							t.Errorf("%s, %s: %v", w.name, transport, err)
						}
					})
				}
			}
			all.Wait()
			for _, w := range ways {
				for _, target := range []string{c.Broker, c.API} {
					_, port, _ := net.SplitHostPort(target)
					if n := strings.Count(w.tunnels(), net.JoinHostPort(hidden, port)); w.name != "direct" && n < 2 {
						t.Errorf("%s carried %d tunnels to port %s; want one of each agent", w.name, n, port)
					}
				}
				if w.password != "" {
					s.silentAbout(w.password)
				}
			}
		})
	}
}

// ways starts a proxy of each kind.
func (s *scene) ways(c *stage.Cloud, ca tls.Certificate) []way {
	s.t.Helper()
	hosts := filepath.Join(s.Dir, "hosts")
	s.must(os.WriteFile(hosts, []byte("127.0.0.1 "+hidden+"\n"), 0o644), "writing squid's hosts file")
	squid, log := proxytest.Squid(s.t, "ada", "sesame-squid", "hosts_file "+hosts)
	known := map[string]string{hidden: "127.0.0.1"}
	socks := proxytest.SOCKS5(s.t, proxytest.Options{Username: "ada", Password: "sesame-socks", Hosts: known})
	secure := proxytest.HTTP(s.t, proxytest.Options{
		Username: "ada", Password: "sesame-https", Hosts: known,
		TLS: &tls.Config{Certificates: []tls.Certificate{serverCertificate(s.t, ca)}},
	})
	targets := func(p *proxytest.Proxy) func() string {
		return func() string { return strings.Join(p.Targets(), "\n") }
	}
	return []way{
		{name: "direct", flags: []string{"--brokerHost", c.Broker, "--apiURL", "https://" + c.API}, tunnels: func() string { return "" }},
		{"squid", s.through(squid), "sesame-squid", log},
		{"socks5", s.through(socks.URL()), "sesame-socks", targets(socks)},
		{"https", s.through(secure.URL()), "sesame-https", targets(secure)},
	}
}

// through are the flags of an agent behind a proxy that knows Ada.
func (s *scene) through(proxy string) []string {
	s.t.Helper()
	u, err := url.Parse(proxy)
	s.must(err, "reading the proxy's URL")
	return []string{"--proxyTC", "true", "--proxyHost", u.Scheme + "://" + u.Hostname(), "--proxyPort", u.Port(), "--proxyUsername", "ada"}
}

// onWay enrols and starts an agent in an Environment of its own.
func (s *scene) onWay(c *stage.Cloud, w way, transport string) *stage.Agent {
	s.t.Helper()
	name := transport + "-" + w.name
	_, err := c.Do(s.ctx, "env", "create", name)
	s.must(err, "creating an Environment")
	a, err := c.Enroll(s.ctx, name, name)
	s.must(err, "enrolling "+name)
	if w.password != "" {
		s.set(a, "proxyPassword", w.password)
	}
	flags := append([]string{"--appsRunner", "none", "--queueTransport", strings.TrimPrefix(transport, "raw")}, w.flags...)
	s.must(a.Start(flags...), "starting "+name)
	return a
}

// set changes settings in an agent's file.
func (s *scene) set(a *stage.Agent, keysAndValues ...string) {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the agent's settings")
	changes := map[string]string{}
	for i := 0; i < len(keysAndValues); i += 2 {
		changes[keysAndValues[i]] = keysAndValues[i+1]
	}
	s.must(settings.Set(p.Settings, changes), "changing the agent's settings")
}

// report lets an agent run the App that publishes files, and reads one.
func (s *scene) report(c *stage.Cloud, a *stage.Agent, transport string, w way) error {
	if err := a.Connected(s.ctx); err != nil {
		return err
	}
	status, err := a.Status(s.ctx)
	if err != nil {
		return err
	}
	if through := status.Link.Proxy != ""; status.Link.Transport != transport || through != (w.name != "direct") {
		return fmt.Errorf("connected by %q through %q", status.Link.Transport, status.Link.Proxy)
	}
	var e execution
	err = c.JSON(s.ctx, &e, "run", filepath.Base(a.Home), "Test_-_Job", "--param", "owner=Ada", "--param", "exit_code=0", "--param", "count=2")
	if err = cmp.Or(err, s.is(e, wire.Succeeded)); err != nil {
		return err
	}
	out := filepath.Join(a.Home, "download")
	if _, err := c.Do(s.ctx, "execution", "download", e.ID, "report.csv", "-o", out); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(out, "report.csv"))
	if want := "n,square\n1,1\n2,4\n"; err == nil && string(text) != want {
		err = fmt.Errorf("the published file says %q; want %q", text, want)
	}
	return err
}

// is tells how an execution that should have ended so ended otherwise.
func (s *scene) is(e execution, want wire.Outcome) error {
	if e.State != wire.State(want) {
		return fmt.Errorf("order %s ended %s: %s %s %s; want %s", e.ID, e.State, e.Error, e.Message, e.Reason, want)
	}
	return nil
}
