package test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"tcenvsvr/agent/link/proxy/proxytest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// Names that only the agent's host knows: the one by DNS, the other by its hosts file.
const feedName, listedName = "feed.example.test", "listed.example.test"

// TestOrdinaryApps: an App that is isolated as far as it goes notices nothing of it, in Python and in
// Java, as another user by sudo. The host's names, CA and proxy are real. The same Apps run without
// isolation before: what fails there is not isolation's fault.
func TestOrdinaryApps(t *testing.T) {
	other := need.OtherUser(t)
	need.Tool(t, "sudo")
	need.Tool(t, "curl")
	python := need.Tool(t, "/usr/bin/python3.11", "/usr/bin/python3") // one that other users may run
	java, _ := need.Java(t)
	t.Setenv("TMPDIR", "/var/lib") // as a home is on a real host: not below /tmp
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "ordinary", "ordinary-java")
	root := certstest.New(t, certstest.Named("Private Root"))
	port := s.serveHello(root)
	proxy := proxytest.HTTP(t, proxytest.Options{Username: "ada", Password: "sesame", Hosts: map[string]string{feedName: "127.0.0.1"}})

	a, err := c.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling")
	flags := append(s.proxyFlags(proxy.URL()), "--proxyTC", "false", "--proxyExternal", "true", "--appsSandboxUser", other.Username,
		"--appsPythonHome311", python, "--appsJavaHome", java)
	_, err = a.Do(s.ctx, "certs", "add", certstest.File(t, s.Dir, "root.pem", root.PEM()))
	s.must(err, "adding the CA")
	s.must(set(a, "proxyPassword", "sesame"), "setting the proxy's password")
	s.namesOfItsOwn()

	url := func(name string) string { return "https://" + net.JoinHostPort(name, port) + "/" }
	params := []string{"--param", "feed=" + url(feedName), "--param", "local=" + url("localhost")}
	for _, isolation := range []string{"off", "auto"} {
		s.start(a, append(flags, "--appsIsolation", isolation)...)
		things := s.ordinary(c, isolation, "Test_-_Ordinary", append(params, "--param", "listed="+url(listedName))...)
		if things < 38 {
			t.Errorf("%s: the App did %d things only", isolation, things)
		}
		s.ordinary(c, isolation, "Test_-_Ordinary_Java", params...)
		s.isolatedAs(a, map[string]string{"off": "off", "auto": "full"}[isolation])
		a.Stop(limit)
	}
	if len(proxy.Targets()) != 2 {
		t.Errorf("the proxy saw %q; want both Apps of Python", proxy.Targets())
	}
	s.silentAbout("sesame")
}

// ordinary runs one of the Apps and looks at all that it says and leaves.
func (s *scene) ordinary(c *stage.Cloud, isolation, name string, params ...string) (things int) {
	s.t.Helper()
	var x left
	err := c.JSON(s.ctx, &x, append([]string{"run", "lab", name}, params...)...)
	if x.State != wire.State(wire.Succeeded) {
		s.t.Fatalf("%s, %s ended %s: %s %s (%v)", isolation, name, x.State, x.Error, x.Message, err)
	}
	dir := s.t.TempDir()
	_, err = c.Do(s.ctx, "execution", "download", x.ID, "-o", dir)
	s.must(err, "downloading what the App left")
	text, err := os.ReadFile(filepath.Join(dir, "found.json"))
	s.must(err, "reading what the App found")
	found := map[string]string{}
	s.must(json.Unmarshal(text, &found), "reading what the App found")
	for what, how := range found {
		if how != "ok" {
			s.t.Errorf("%s, %s: %s: %s", isolation, name, what, how)
		}
	}
	if name != "Test_-_Ordinary" {
		return len(found)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "größe-世界-🙂.txt")); err != nil || string(text) != "世界\n" {
		s.t.Errorf("%s: the file with the long name: %q, %v", isolation, text, err)
	}
	logs, err := c.Do(s.ctx, "execution", "logs", x.ID, "--stream", "app")
	if n := strings.Count(logs, "xxxx\n"); err != nil || n < 5 || len(logs) > 12<<20 {
		s.t.Errorf("%s: %d bytes of the large log, %d lines: %v", isolation, len(logs), n, err)
	}
	if out, err := c.Do(s.ctx, "execution", "logs", x.ID, "--stream", "stdout"); err != nil || !strings.Contains(out, "世界 🙂") {
		s.t.Errorf("%s: stdout is %q, %v", isolation, out, err)
	}
	return len(found)
}

// serveHello answers by HTTPS, with a certificate for all names of these tests.
func (s *scene) serveHello(root certstest.Pair) (port string) {
	s.t.Helper()
	cert := root.Issue(s.t).Issue(s.t, certstest.Server(feedName, listedName, "localhost"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err, "listening")
	server := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.TLS()}},
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "hello") }),
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	s.t.Cleanup(func() { _ = server.Close() })
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// namesOfItsOwn gives agents that are started from here on a resolv.conf and a hosts file of their
// own, as another host has them.
func (s *scene) namesOfItsOwn() {
	s.t.Helper()
	write := func(name, text string) string {
		file := filepath.Join(s.Dir, name)
		s.must(os.WriteFile(file, []byte(text), 0o644), "writing "+name) //nolint:gosec // everybody reads them
		return file
	}
	resolver := write("resolv.conf", "nameserver "+s.serveDNS()+"\n")
	hosts := write("hosts", "127.0.0.1 localhost "+listedName+"\n")
	s.elsewhere(fmt.Sprintf("mount --bind %s /etc/resolv.conf && mount --bind %s /etc/hosts", resolver, hosts))
}

// serveDNS knows one name, and returns its address.
func (s *scene) serveDNS() string {
	s.t.Helper()
	const address = "127.0.77.53"
	l, err := net.ListenPacket("udp", address+":53")
	s.must(err, "listening for DNS")
	s.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for buf := make([]byte, 512); ; {
			n, from, err := l.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if answer := answerDNS(buf[:n]); err == nil && answer != nil {
				_, _ = l.WriteTo(answer, from)
			}
		}
	}()
	return address
}

func answerDNS(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true}
	m.Additionals = nil
	switch {
	case q.Name.String() != feedName+".":
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}
