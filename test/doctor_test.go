package test

import (
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/stage"
)

// The doctor finds the way to a real cloud in order beside a running agent, without disturbing its
// session, and names the step that fails when the cloud is gone.
func TestDoctorOnARealCloud(t *testing.T) {
	s := newScene(t)
	c := s.cloud("lab")
	a := s.agent(c, "lab", "one")
	epoch := s.newSession(a, 0)
	found := s.examine(a)
	for _, name := range []string{"agent/running", "agent/connection", "settings/values", "settings/client certificate",
		"network/broker TCP", "network/broker TLS", "network/broker raw", "network/broker websocket", "network/API", "network/API TLS", "network/clock"} {
		if got := found[name]; got.Verdict != "ok" {
			t.Errorf("%s: %+v; want ok", name, got)
		}
	}
	for _, name := range []string{"network/broker raw", "network/broker websocket"} {
		if got := found[name].Found; !strings.Contains(got, `takes this server for Environment "lab"`) {
			t.Errorf("%s: %q; want what the broker says", name, got)
		}
	}
	if got := found["network/broker TLS"].Found; !strings.Contains(got, "the cloud's own CA") {
		t.Errorf("broker TLS: %q; want who issued the certificate", got)
	}
	if status, err := a.Status(s.ctx); err != nil || status.Link.Epoch != epoch {
		t.Errorf("after the doctor: %+v, %v; want the session of epoch %d", status.Link, err, epoch)
	}
	if out, err := a.Do(s.ctx, "log", "level", "debug"); err != nil || out != "log level debug, before info\n" {
		t.Errorf("log level: %q, %v", out, err)
	}
	c.Kill()
	if got := s.examine(a)["network/broker TCP"]; got.Verdict != "fail" || !strings.Contains(got.Found, "tcp.refused") || got.Try == "" {
		t.Errorf("without the cloud: %+v", got)
	}
	s.silentAbout(s.secretsOf(a)...)
}

type finding struct{ Group, Name, Verdict, Found, Try string }

func (s *scene) examine(a *stage.Agent) map[string]finding {
	s.t.Helper()
	out, _ := a.Do(s.ctx, "doctor", "--json") // fails where this machine is no RHEL with users
	var report struct{ Findings []finding }
	s.must(json.Unmarshal([]byte(out), &report), "reading the doctor's report")
	found := map[string]finding{}
	for _, f := range report.Findings {
		found[f.Group+"/"+f.Name] = f
	}
	return found
}

// What systemd is told: ready when the cloud was tried, a status line, a heartbeat.
func TestNotify(t *testing.T) {
	s := newScene(t)
	c := s.cloud("lab")
	a, err := c.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling")
	socket := filepath.Join(s.Dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	s.must(err, "listening for notifications")
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "3000000")
	s.start(a)
	wanted := []string{"READY=1", "STATUS=connected to ", "WATCHDOG=1"}
	s.must(l.SetReadDeadline(time.Now().Add(30*time.Second)), "setting a deadline")
	for b := make([]byte, 4096); len(wanted) > 0; {
		n, err := l.Read(b)
		s.must(err, "waiting for "+strings.Join(wanted, ", "))
		for i, w := range wanted {
			if strings.HasPrefix(string(b[:n]), w) {
				wanted = append(wanted[:i], wanted[i+1:]...)
				break
			}
		}
	}
}
