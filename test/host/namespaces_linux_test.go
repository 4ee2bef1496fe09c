package host

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
)

// TestNoNamespaces takes user namespaces from a machine, by user.max_user_namespaces=0, under both
// runners. Apps get what is left; doctor, status and one line of the log say what that is, why, and
// what to do; and where all of it is required nothing runs, until an administrator has done what
// doctor says. (A /proc that is covered: test.TestMaskedProc. In systemd-nspawn the host's own /proc
// stays in the machine's mounts, so that covering shows nothing.)
func TestNoNamespaces(t *testing.T) {
	t.Parallel()
	s := siteOn(t, BootApart)
	s.startCloud("job")
	s.install(older)
	s.enroll()
	for _, runner := range []string{"sudo", "socket"} {
		t.Run(runner, func(t *testing.T) {
			s := s.as(t)
			if runner == "socket" {
				s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
				s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", "/etc/systemd/system/"+unit+".d/hardened.conf")
				s.Run("systemctl", "daemon-reload")
			}
			s.set("appsRunner=" + runner)
			s.whole()
			s.namespaces(0)
			s.lesser("filtered", "no space left on device", "sysctl user.max_user_namespaces=15000")
			s.required("filtered", func() { s.namespaces(15000) }) // as doctor says
			s.whole()
		})
	}
	s.verify("at the end")
}

// namespaces sets how many user namespaces the machine may have.
func (h *Host) namespaces(n int) {
	h.t.Helper()
	// From here: the machine sees its /proc/sys read-only.
	out, err := exec.Command("nsenter", "--target", strconv.Itoa(h.pid), "--user", "--", "sh", "-c", fmt.Sprintf("echo %d >/proc/sys/user/max_user_namespaces", n)).CombinedOutput()
	must(h.t, err, "limiting the machine's namespaces: "+string(out))
	if got := strings.TrimSpace(h.Run("cat", "/proc/sys/user/max_user_namespaces")); got != strconv.Itoa(n) {
		h.t.Fatalf("the machine may have %s user namespaces; want %d", got, n)
	}
}

func (s *site) set(setting string) {
	s.t.Helper()
	s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "settings", "set", setting)
}

// restarted starts the agent anew and waits until it has tried what Apps get.
func (s *site) restarted() {
	s.t.Helper()
	s.Run("systemctl", "restart", unit)
	s.connected()
}

// whole checks that nothing is missing.
func (s *site) whole() {
	s.t.Helper()
	s.restarted()
	s.app("partial", "Test_-_Job", "owner=me")
	if out := s.Run("tcenvsvr", "status"); strings.Contains(out, "isolation") {
		s.t.Errorf("nothing is missing, and status says:\n%s", out)
	}
	if out := s.Run("tcenvsvr", "doctor"); !strings.Contains(out, isolated) {
		s.t.Errorf("nothing is missing, and doctor says:\n%s", out)
	}
}

// lesser checks that Apps run with a lower level, and that this is said where people look.
func (s *site) lesser(level, why, try string) {
	s.t.Helper()
	s.restarted()
	since := strings.TrimSpace(s.Run("systemctl", "show", "--property", "InvocationID", "--value", unit))
	for range 2 {
		s.app("partial", "Test_-_Job", "owner=me")
	}
	out := s.Run("tcenvsvr", "status")
	for _, want := range []string{level + " only: ", why, `hint: "tcenvsvr doctor" says what to do`} {
		if !strings.Contains(out, want) {
			s.t.Errorf("status does not say %q:\n%s", want, out)
		}
	}
	log := s.Run("journalctl", "--no-pager", "-o", "cat", "_SYSTEMD_INVOCATION_ID="+since)
	if n := strings.Count(log, "Apps are not fully isolated"); n != 1 || !strings.Contains(log, why) {
		s.t.Errorf("the log says it %d times; want once, with %q:\n%s", n, why, log)
	}
	out = s.Run("tcenvsvr", "doctor")
	for _, want := range []string{fmt.Sprintf("this host allows %q only", level), why, try} {
		if !strings.Contains(out, want) {
			s.t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
}

// required checks that nothing runs where all isolation is required, and that the order that waits
// runs when mend has given back what was missing.
func (s *site) required(level string, mend func()) {
	s.t.Helper()
	s.set("appsIsolation=required")
	s.restarted()
	s.Refused([]string{"appsIsolation is required", fmt.Sprintf("%q only", level)}, "tcenvsvr", "doctor")
	out, err := s.cloud.Do(s.ctx, "run", "lab", "Test_-_Job", "--detach", "--param", "owner=me")
	must(s.t, err, "ordering an App")
	id := strings.TrimSpace(out)
	s.eventually("waiting for the agent to take no orders", func() error {
		if out, err := s.Try("tcenvsvr", "status"); !strings.Contains(out, "TAKES NO ORDERS") || !strings.Contains(out, "job.isolation") {
			return fmt.Errorf("it says %s (%v)", out, err)
		}
		return nil
	})
	if e := s.show(id); e.Ended || e.State == "running" {
		s.t.Errorf("where isolation is required and cannot be had, an order is %+v; want it to wait", e)
	}
	if out, err := s.Try("pgrep", "-a", "-u", "tc-job", "python"); err == nil {
		s.t.Errorf("where isolation is required and cannot be had, there runs %s", out)
	}
	mend()
	s.restarted()
	s.eventually("waiting for the order", func() error {
		if e := s.show(id); e.State != wire.State(wire.Partial) {
			return fmt.Errorf("it is %s", e.State)
		}
		return nil
	})
	s.set("appsIsolation=auto")
}
