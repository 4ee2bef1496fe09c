package test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tcenvsvr/agent/link/proxy/proxytest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// hidden is the cloud's name, which only the proxies can resolve.
const hidden = "cloud.invalid"

// route is one route to the cloud: direct, or through a kind of proxy.
type route struct {
	name     string
	flags    []string
	password string
	tunnels  func() string // the targets asked for, a line each
}

// TestNetworkEveryWayToTheCloud runs a real App over both transports, directly and through every
// kind of proxy, with the cloud's own certificate and with a given one: session, package, and
// published file go the same route.
func TestNetworkEveryWayToTheCloud(t *testing.T) {
	t.Parallel() // it waits more than it works
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
			routes := s.routes(c, ca)
			var all sync.WaitGroup
			for _, w := range routes {
				for _, transport := range []string{"raw", "websocket"} {
					all.Go(func() {
						if err := s.runOverRoute(c, w, transport); err != nil {
							t.Errorf("%s, %s: %v", w.name, transport, err)
						}
					})
				}
			}
			all.Wait()
			for _, w := range routes {
				s.eventually("looking for the tunnels of "+w.name, func() error { return s.wentThroughProxy(c, w) })
				if w.password != "" {
					s.silentAbout(w.password)
				}
			}
		})
	}
}

// wentThroughProxy checks that the proxy carried the sessions and downloads of both agents.
func (s *scene) wentThroughProxy(c *stage.Cloud, w route) error {
	for _, target := range []string{c.Broker, c.API} {
		_, port, _ := net.SplitHostPort(target)
		if n := strings.Count(w.tunnels(), net.JoinHostPort(hidden, port)); w.name != "direct" && n < 2 {
			return fmt.Errorf("%d tunnels to port %s; want one of each agent", n, port)
		}
	}
	return nil
}

// routes starts a proxy of each kind and returns all routes.
func (s *scene) routes(c *stage.Cloud, ca tls.Certificate) []route {
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
	return []route{
		{name: "direct", flags: []string{"--brokerHost", c.Broker, "--apiURL", "https://" + c.API}, tunnels: func() string { return "" }},
		{"squid", s.proxyFlags(squid), "sesame-squid", log},
		{"socks5", s.proxyFlags(socks.URL()), "sesame-socks", targets(socks)},
		{"https", s.proxyFlags(secure.URL()), "sesame-https", targets(secure)},
	}
}

// runOverRoute has an agent in an Environment of its own run the App that publishes files, and
// downloads one of them. At the end the agent is killed: squid logs tunnels when they end.
func (s *scene) runOverRoute(c *stage.Cloud, w route, transport string) error {
	name := transport + "-" + w.name
	if _, err := c.Do(s.ctx, "env", "create", name); err != nil {
		return err
	}
	if err := set(&stage.Agent{Home: filepath.Join(s.Dir, name)}, "proxyPassword", w.password); err != nil {
		return err
	}
	a, err := c.Enroll(s.ctx, name, name, w.flags...)
	if err != nil {
		return err
	}
	flags := append([]string{"--appsRunner", "none", "--queueTransport", strings.TrimPrefix(transport, "raw")}, w.flags...)
	if err := a.Start(flags...); err != nil {
		return err
	}
	defer a.Kill()
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
	toAPI := w.name == "direct" || w.name == "squid" // what Apps can use themselves
	err = c.JSON(s.ctx, &e, "run", name, "Test_-_Job", "--param", "owner=Ada", "--param", "exit_code=0", "--param", "count=2",
		"--param", fmt.Sprint("tc_log_to_api=", toAPI))
	if err != nil || e.State != wire.State(wire.Succeeded) {
		return fmt.Errorf("order %s ended %s: %s %s %s (%v)", e.ID, e.State, e.Error, e.Message, e.Reason, err)
	}
	if text, err := c.Do(s.ctx, "execution", "logs", e.ID, "--stream", "api"); toAPI && (err != nil || !strings.Contains(text, "job at work for Ada")) {
		return fmt.Errorf("the App's own log at the API is %q (%v)", text, err)
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
