package host

import (
	"fmt"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/stage"
	"tcenvsvr/updater/handover"
)

// TestHardened switches to jobs behind systemd's socket, as the drop-in says: neither the agent nor
// an App can gain privileges then. Then it lets the agent die in all the ways that the unit knows.
func TestHardened(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("job", "java", "sleep", "probe")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
	s.startsAJob("before the agent's first start")
	s.Run("rm", handover.PackagedPaths(home).Shim)
	s.Run("tcenvsvr", "host", "apply")
	s.startsAJob("whose link host apply put back")
	s.Run("systemctl", "enable", "--quiet", "--now", unit)
	s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", "/etc/systemd/system/"+unit+".d/hardened.conf")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", unit)
	s.connected()
	if status := s.Read("/proc/" + s.mainPID(unit) + "/status"); !strings.Contains(status, "NoNewPrivs:\t1") {
		t.Error("the agent may gain privileges")
	}

	t.Run("Apps by the socket", func(t *testing.T) {
		s := s.as(t)
		s.app(wire.Partial, "Test_-_Job", "owner=me")
		s.app(wire.Succeeded, "Test_-_Java")
		p := s.probe()
		if p.NoNewPrivs != "1" || !strings.Contains(p.Cgroup, "tc-job@") {
			t.Errorf("the App has NoNewPrivs %s and is in cgroup %s; want 1 and one of its own", p.NoNewPrivs, p.Cgroup)
		}
		// Of its own below that of the service, which systemd has delegated.
		if !strings.Contains(p.Cgroup, ".service/tc-job-") {
			t.Errorf("the App is in cgroup %s, in which the shim cannot limit it", p.Cgroup)
		}
	})
	t.Run("the doctor looks at the socket", func(t *testing.T) {
		s := s.as(t)
		s.Run("tcenvsvr", "settings", "set", "appsRunner", "socket") // packaging/README.md: it is only the service that has it from the unit
		defer s.Run("tcenvsvr", "settings", "unset", "appsRunner")
		if out := s.Run("tcenvsvr", "doctor"); !strings.Contains(out, "listens on") || !strings.Contains(out, isolated) {
			t.Errorf("doctor does not say that somebody listens, and that Apps are isolated:\n%s", out)
		}
		s.Run("systemctl", "stop", "tc-job.socket")
		defer s.Run("systemctl", "start", "tc-job.socket")
		s.Refused([]string{"nobody listens on", "systemctl enable --now tc-job.socket"}, "tcenvsvr", "doctor")
	})
	t.Run("the socket is the agent's alone", func(t *testing.T) {
		s := s.as(t)
		const dial = "import socket; socket.socket(socket.AF_UNIX).connect('/run/threatconnect-envsvr/tc-job.sock')"
		for _, user := range []string{"alice", "tc-job"} {
			s.Refused([]string{"PermissionError"}, "runuser", "-u", user, "--", "python3", "-c", dial)
		}
	})
	t.Run("restart while a job runs", func(t *testing.T) { s.as(t).survives("systemctl", "restart", unit) })
	t.Run("kill -9 while a job runs", func(t *testing.T) { s.as(t).survives("kill", "-9", s.mainPID(unit)) })
	t.Run("the master password outlives the agent, not a stop", func(t *testing.T) {
		s := s.as(t)
		s.Run("mv", masterKey, "/root/masterkey")
		s.Run("chown", "root:", "/root/masterkey")
		for _, end := range [][]string{{"systemctl", "restart", unit}, {"kill", "-9", s.mainPID(unit)}} {
			before := s.mainPID(unit)
			if end[0] == "kill" {
				end[2] = before
			}
			s.Run(end...)
			s.anotherThan(before)
			s.connected()
		}
		s.Run("systemctl", "stop", unit)
		s.Run("systemctl", "start", unit)
		must(t, stage.Eventually(s.ctx, func() error { // systemd may be told before the socket is asked
			out, err := s.Try("tcenvsvr", "status")
			if err == nil && !strings.Contains(out, "LOCKED") {
				err = fmt.Errorf("status after a stop without the master password: %s; want it locked", out)
			}
			return err
		}), "waiting for a locked agent")
		s.Run("tcenvsvr", "keychain", "unlock", "--master-key-file", "/root/masterkey")
		s.connected()
		s.Run("install", "-m", "600", "-o", "threatconnect", "/root/masterkey", masterKey)
	})
	t.Run("watchdog", func(t *testing.T) {
		s := s.as(t)
		s.Write("/etc/systemd/system/"+unit+".d/watchdog.conf", "[Service]\nWatchdogSec=3\n", 0o644)
		s.Run("systemctl", "daemon-reload")
		s.Run("systemctl", "restart", unit)
		s.connected()
		s.survives("kill", "-STOP", s.mainPID(unit))
		if out := s.Run("journalctl", "--no-pager", "-u", unit); !strings.Contains(out, "Watchdog timeout") {
			t.Error("systemd did not miss the agent's sign of life")
		}
	})
	s.verify("after restarts")
	t.Run("erase while a job runs, and install again", func(t *testing.T) {
		s := s.as(t)
		s.outlivesThePackage(older, "tc-job.socket")
	})
}

// startsAJob asks the shim behind the socket for nothing, as the agent's user may.
func (s *site) startsAJob(when string) {
	s.t.Helper()
	const ask = `import socket
c = socket.socket(socket.AF_UNIX)
c.connect("/run/threatconnect-envsvr/tc-job.sock")
c.sendall(b'{"op":"read"}\n')
c.shutdown(socket.SHUT_WR)
print(c.recv(99))`
	if out := s.Run("runuser", "-u", "threatconnect", "--", "python3", "-c", ask); !strings.Contains(out, "{}") {
		s.t.Errorf("a shim %s answers %q; want {}", when, out)
	}
}

// survives runs a command that ends the agent while a job runs: another agent comes, and reports
// what came of the job.
func (s *site) survives(args ...string) {
	s.t.Helper()
	job, before := s.detach(10), s.mainPID(unit)
	s.Run(args...)
	s.anotherThan(before)
	s.connected()
	s.ended(job)
}
