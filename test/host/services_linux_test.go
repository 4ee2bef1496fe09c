package host

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestServices has an API behind the firewall under both runners, and beside it an App that tries to get at it as
// TestStrangers has it, one that crowds the door of its broker, and other users of the host.
func TestServices(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("service-api", "stranger", "job")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.connected()
	var made struct{ URL, Token string }
	must(t, s.cloud.JSON(s.ctx, &made, "service", "create", "lookup", "lab", "Test_-_Api_Service"), "creating a service")
	t.Run("by sudo", func(t *testing.T) { s.as(t).serves(made.URL, made.Token) })
	s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
	s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", "/etc/systemd/system/"+unit+".d/hardened.conf")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", unit)
	s.connected()
	before := s.ready().Restarts
	s.killService() // it ran on under sudo
	s.startedAnew(before)
	t.Run("by the socket", func(t *testing.T) { s.as(t).serves(made.URL, made.Token) })
	s.verify("with a service")
	s.Run("tcenvsvr", "host", "check")
}

// servedBy is a service as the cloud shows it.
type servedBy struct {
	Phase    string
	Restarts int
	Instance *struct{ Order string }
	Ends     []struct{ Outcome, Message string }
}

// ready waits until the service is.
func (s *site) ready() servedBy {
	s.t.Helper()
	var v servedBy
	s.eventually("waiting for the service", func() error {
		v = servedBy{}
		if err := s.cloud.JSON(s.ctx, &v, "service", "show", "lookup"); err != nil {
			return err
		}
		if v.Phase != "ready" {
			return fmt.Errorf("it is %+v", v)
		}
		return nil
	})
	return v
}

// startedAnew waits until the service is ready again after an end that was not asked for: the only one.
func (s *site) startedAnew(before int) {
	s.t.Helper()
	s.eventually("waiting for the service to be started again", func() error {
		if v := s.ready(); v.Restarts == before {
			return fmt.Errorf("it is %+v", v)
		}
		return nil
	})
	if v := s.ready(); v.Restarts != before+1 {
		s.t.Errorf("it had to be started %d times: %+v", v.Restarts-before, v.Ends)
	}
}

// killService ends the App of the service, which is told of its broker by its environment or a file.
func (s *site) killService() {
	s.t.Helper()
	session := s.ready().Instance.Order
	s.Run("sh", "-c", `for p in $(pgrep -u tc-job -f "python.* run.py"); do tr '\0' '\n' </proc/$p/environ | grep -q `+session+` && kill $p && exit; done; exit 1`)
}

// call asks the service something.
func (s *site) call(url, token string) {
	s.t.Helper()
	const ask = `import ssl, sys, urllib.request
r = urllib.request.Request(sys.argv[1] + "/a/b", headers={"Authorization": "Bearer " + sys.argv[2]})
print(urllib.request.urlopen(r, context=ssl._create_unverified_context()).read().decode())`
	if out := s.Run("python3", "-c", ask, url, token); !strings.Contains(out, `"path": "/a/b"`) {
		s.t.Errorf("the service answers %q", out)
	}
}

// broker is the port of the service's broker: of the sandbox user, on the loopback.
func (s *site) broker() string {
	s.t.Helper()
	return strings.TrimSpace(s.Run("python3", "-c", `import pwd
uid = str(pwd.getpwnam("tc-job").pw_uid)
rows = [line.split() for line in open("/proc/net/tcp")]
[port] = [r[1][9:] for r in rows if r[1].startswith("0100007F:") and r[3] == "0A" and r[7] == uid]
print(int(port, 16))`))
}

func (s *site) serves(url, token string) {
	s.t.Helper()
	before := s.ready()
	s.call(url, token)

	port := s.broker()
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
		const dial = `import socket, sys
c = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
c.settimeout(4) # less than a login may take
c.connect((sys.argv[1], int(sys.argv[2])))
print(c.recv(1))`
		for _, user := range []string{"alice", "threatconnect", "root"} {
			if out := s.Run("runuser", "-u", user, "--", "python3", "-c", dial, host, port); !strings.Contains(out, "b''") {
				s.t.Errorf("the broker does not hang up on %s, by %s: %s", user, host, out)
			}
		}
	}

	job := exchange + "/jobs/" + before.Instance.Order + ".1"
	pids := append(strings.Fields(s.Run("pgrep", "-u", "tc-job")), s.mainPID(unit))
	id := s.order("Test_-_Stranger", "role=attacker", "state="+state, "job="+job, "shm=0", "pids="+strings.Join(pids, " "))
	s.refused(id, pids, false)

	out, err := s.cloud.Do(s.ctx, "run", "lab", "Test_-_Stranger", "--detach", "--param", "role=crowd", "--param", "state="+state)
	must(s.t, err, "ordering the crowd")
	crowd := strings.TrimSpace(out)
	s.eventually("waiting for the crowd", func() error {
		log, err := s.cloud.Do(s.ctx, "execution", "logs", crowd)
		if err == nil && !strings.Contains(log, "ready") {
			err = fmt.Errorf("it says %q", log)
		}
		return err
	})
	s.call(url, token)
	s.killService() // the next one has to log in
	s.startedAnew(before.Restarts)
	s.call(url, token)
	s.Run("touch", exchange+"/jobs/"+crowd+".1/out/stop")
	s.ended(crowd)
	if now := s.ready(); now.Restarts != before.Restarts+1 {
		text, _ := json.Marshal(now)
		s.t.Errorf("the service was disturbed: %s", text)
	}
}
