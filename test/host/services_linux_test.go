package host

import (
	"fmt"
	"strings"
	"testing"
)

// TestServices runs a service under both runners. It answers, outlives an agent that is killed, and lets no other
// user of the host talk with its broker.
func TestServices(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("service-api")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.connected()
	t.Run("by sudo", func(t *testing.T) { s.as(t).service("by-sudo") })
	s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
	s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", "/etc/systemd/system/"+unit+".d/hardened.conf")
	s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "settings", "set", "appsRunner=socket")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", unit)
	s.connected()
	t.Run("by the socket", func(t *testing.T) { s.as(t).service("by-socket") })
}

// brokers prints what a user meets at each port on which tc-job listens.
const brokers = `
import os, pwd, socket, ssl
uid = str(pwd.getpwnam("tc-job").pw_uid)
for line in open("/proc/net/tcp").readlines()[1:]:
    w = line.split()
    if w[3] == "0A" and w[7] == uid:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            context.wrap_socket(socket.create_connection(("127.0.0.1", int(w[1].split(":")[1], 16)), 10))
            print("TLS")
        except OSError as e:
            print("hung up")
`

// caller calls an API and prints status and body.
const caller = `
import ssl, sys, urllib.request
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
request = urllib.request.Request(sys.argv[1], "grüße".encode(), {"Authorization": "Bearer " + sys.argv[2]})
with urllib.request.urlopen(request, context=context, timeout=60) as answer:
    print(answer.status, answer.read().decode())
`

func (s *site) service(name string) {
	s.t.Helper()
	var v struct {
		Phase, URL, Token string
		Restarts          int
	}
	must(s.t, s.cloud.JSON(s.ctx, &v, "service", "create", name, "lab", "Test_-_Api_Service"), "creating a service")
	url, token := v.URL, v.Token
	show := func(phase string) {
		s.t.Helper()
		s.eventually("waiting until the service is "+phase, func() error {
			err := s.cloud.JSON(s.ctx, &v, "service", "show", name)
			if err == nil && v.Phase != phase {
				err = fmt.Errorf("it is %+v", v)
			}
			return err
		})
	}
	show("ready")
	answers := func(when string) {
		s.t.Helper()
		s.eventually("calling the service "+when, func() error {
			got, err := s.Try("python3", "-c", caller, url+"/echo", token)
			if err == nil && got != "201 grüße\n" {
				err = fmt.Errorf("got %q", got)
			}
			return err
		})
	}
	answers("at first")
	if out := s.Run("tcenvsvr", "status"); !strings.Contains(out, name) || !strings.Contains(out, "ready for") {
		s.t.Errorf("status says %s", out)
	}
	for user, want := range map[string]string{"alice": "hung up", "threatconnect": "hung up", "root": "hung up", "tc-job": "TLS"} {
		if got := strings.TrimSpace(s.Run("runuser", "-u", user, "--", "python3", "-c", brokers)); got != want {
			s.t.Errorf("user %s meets %q at the broker, want %q", user, got, want)
		}
	}
	before := s.mainPID(unit)
	s.Run("kill", "-9", before)
	s.anotherThan(before)
	s.connected()
	answers("after the agent was killed")
	out, err := s.cloud.Do(s.ctx, "service", "logs", name)
	must(s.t, err, "reading the App's output")
	if show("ready"); v.Restarts != 0 || strings.Count(out, "ready ") != 1 {
		s.t.Errorf("the App did not outlive the agent: %+v, %q", v, out)
	}
	_, err = s.cloud.Do(s.ctx, "service", "stop", name)
	must(s.t, err, "stopping the service")
	show("stopped")
}
