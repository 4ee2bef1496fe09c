package host

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
)

// isolated is what doctor says of a host on which nothing is missing.
const isolated = "each App has its own processes, files and /tmp"

// TestStrangers has two Apps side by side, under both runners: one tries to get at the other, at
// the agent and out of its world. Nothing of that works, and nothing of it outlives its job. That
// holds also where one template has forked both.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("stranger", "job")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.connected()
	s.app("partial", "Test_-_Job", "owner=me")

	t.Run("by sudo", func(t *testing.T) { s.as(t).strangers(false) })
	t.Run("by sudo, warm", func(t *testing.T) { s.as(t).strangers(true) })
	s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
	s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", "/etc/systemd/system/"+unit+".d/hardened.conf")
	s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "settings", "set", "appsRunner=socket")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", unit)
	s.connected()
	t.Run("by the socket", func(t *testing.T) { s.as(t).strangers(false) })
	t.Run("by the socket, warm", func(t *testing.T) { s.as(t).strangers(true) })
	t.Run("on a host that allows no namespaces", func(t *testing.T) { s.as(t).forbidden() })
}

// tried is what the attacker publishes.
type tried struct {
	Tries map[string]string
	Seen  []string // processes
	Open  []string // files that were left open for it
	// Terminals are those in /dev/pts.
	Terminals []string
	Others    []string // programs
	Jobs      []string
	Tmp       []string
	Warm      bool // a template has forked the attacker
	Status    map[string]string
}

// strangers lets the attacker loose, and looks at the victim, the agent and the host afterwards.
// warm: a template forks both.
func (s *site) strangers(warm bool) {
	s.t.Helper()
	served, pythons := 0, ""
	if warm {
		s.warmed("Test_-_Stranger", "role=idle", "state="+state)
		served = s.served("Test_-_Stranger")
		pythons, _ = s.Try("pgrep", "-a", "-u", "tc-job", "-f", "python.* run.py")
	}
	if out := s.Run("tcenvsvr", "doctor"); !strings.Contains(out, isolated) {
		s.t.Errorf("doctor does not say that Apps are isolated:\n%s", out)
	}
	before := s.own()
	out, err := s.cloud.Do(s.ctx, "run", "lab", "Test_-_Stranger", "--detach", "--param", "role=victim", "--param", "state="+state)
	must(s.t, err, "ordering the victim")
	victim := strings.TrimSpace(out)
	var shm string
	s.eventually("waiting for the victim", func() error {
		log, err := s.cloud.Do(s.ctx, "execution", "logs", victim)
		if _, after, ok := strings.Cut(log, "ready "); ok {
			shm, _, _ = strings.Cut(after, "\n")
			return nil
		}
		return fmt.Errorf("it says %q (%v)", log, err)
	})
	job := exchange + "/jobs/" + victim + ".1"
	s.Run("test", "-f", job+"/out/secret")
	pids := strings.Fields(s.Run("pgrep", "-u", "tc-job"))
	if len(pids) < 3 { // shim, init, App
		s.t.Errorf("processes of tc-job: %v; want three or more", pids)
	}
	pids = append(pids, s.mainPID(unit))

	id := s.order("Test_-_Stranger", "role=attacker", "state="+state, "job="+job, "shm="+shm, "pids="+strings.Join(pids, " "))
	if left, err := s.Try("pgrep", "-a", "-f", "tc-daemon"); err == nil {
		s.t.Errorf("the attacker has ended, and there still is %s", left)
	}
	if e := s.show(id); e.State != wire.State(wire.Succeeded) {
		log, _ := s.cloud.Do(s.ctx, "execution", "logs", id)
		s.t.Fatalf("the attacker ended %s: %s %s: %s", e.State, e.Error, e.Message, log)
	}
	s.refused(id, pids, warm)

	s.Run("touch", job+"/out/stop")
	s.ended(victim)
	if after := s.own(); after != before {
		s.t.Errorf("the agent's files changed:\n%s", different(before, after))
	}
	s.eventually("waiting for both to be gone", func() error { // and for an earlier agent's template
		if left, _ := s.Try("pgrep", "-a", "-u", "tc-job", "-f", "python.* run.py"); left != pythons {
			return fmt.Errorf("there still is %q; before them there was %q", left, pythons)
		}
		return nil
	})
	if warm && s.served("Test_-_Stranger") != served+2 {
		s.t.Errorf("the template has served %d times before; now %+v", served, s.templates()["Test_-_Stranger"])
	}
	s.verify("after the attack")
	s.Run("tcenvsvr", "host", "check")
}

// refused checks what the attacker says of its tries.
func (s *site) refused(id string, pids []string, warm bool) {
	s.t.Helper()
	dir := s.t.TempDir()
	_, err := s.cloud.Do(s.ctx, "execution", "download", id, "tries.json", "-o", dir)
	must(s.t, err, "downloading what the attacker found")
	text, err := os.ReadFile(filepath.Join(dir, "tries.json"))
	must(s.t, err, "reading what the attacker found")
	var got tried
	must(s.t, json.Unmarshal(text, &got), "reading what the attacker found")
	if want := 100 + 15*len(pids); len(got.Tries) < want {
		s.t.Errorf("the attacker tried %d things; want %d at least", len(got.Tries), want)
	}
	refusals := strings.Fields("EACCES EPERM ENOENT ESRCH EROFS ENOSYS EINVAL ECONNREFUSED EBUSY EXDEV EAFNOSUPPORT ENXIO ENODEV")
	for what, how := range got.Tries {
		if how == "ENOENT" && strings.HasPrefix(what, "program: own") {
			s.t.Errorf("%s: %s; it tried the wrong file", what, how)
		}
		if !slices.Contains(refusals, how) {
			s.t.Errorf("an isolated App may do this: %s: %s", what, how)
		}
	}
	if len(got.Open)+len(got.Terminals) > 0 {
		s.t.Errorf("the attacker found open files %q, terminals %q", got.Open, got.Terminals)
	}
	if len(got.Seen)+len(got.Others) > 0 || len(got.Jobs) != 1 || slices.ContainsFunc(got.Tmp, func(name string) bool { return strings.Contains(name, "victim") }) {
		s.t.Errorf("the attacker sees processes %v, programs %v, jobs %v, in /tmp %v; want its own job", got.Seen, got.Others, got.Jobs, got.Tmp)
	}
	if got.Warm != warm {
		s.t.Errorf("the attacker was forked by a template: %v; want %v; templates are %+v", got.Warm, warm, s.templates())
	}
	const none = "0000000000000000"
	for name, want := range map[string]string{"CapEff": none, "CapPrm": none, "CapBnd": none, "NoNewPrivs": "1", "Seccomp": "2"} {
		if got.Status[name] != want {
			s.t.Errorf("the attacker has %s %s; want %s", name, got.Status[name], want)
		}
	}
}

// warmed runs an App until it has a template, which the third run brings.
func (s *site) warmed(name string, params ...string) {
	s.t.Helper()
	for range 3 {
		s.app("succeeded", name, params...)
	}
	s.eventually("waiting for the template of "+name, func() error {
		if t := s.templates()[name]; t.State != "ready" {
			return fmt.Errorf("it is %+v", t)
		}
		return nil
	})
}

// served is how many runs of an App its template has forked.
func (s *site) served(name string) int { return s.templates()[name].Served }

// kept is a template, as the agent's status shows it.
type kept struct {
	App, State, Reason string
	Served             int
}

func (s *site) templates() map[string]kept {
	s.t.Helper()
	var status struct{ Templates []kept }
	must(s.t, json.Unmarshal([]byte(s.Run("tcenvsvr", "status", "--json")), &status), "reading the status")
	all := map[string]kept{}
	for _, t := range status.Templates {
		all[strings.TrimSuffix(t.App, "_v1")] = t
	}
	return all
}

// forbidden takes the namespaces from the shims, as a host without user namespaces does.
func (s *site) forbidden() {
	s.t.Helper()
	const dropIn = "/etc/systemd/system/tc-job@.service.d/none.conf"
	s.Run("mkdir", "-p", filepath.Dir(dropIn))
	s.Write(dropIn, "[Service]\nRestrictNamespaces=yes\n", 0o644)
	s.Run("systemctl", "daemon-reload")
	if out := s.Run("tcenvsvr", "doctor"); !strings.Contains(out, `this host allows "filtered" only`) {
		s.t.Errorf("doctor does not say what is missing:\n%s", out)
	}
	s.Run("systemctl", "restart", unit)
	s.connected()
	s.app("partial", "Test_-_Job", "owner=me")
	if out := s.Run("tcenvsvr", "status"); !strings.Contains(out, "filtered") {
		s.t.Errorf("status does not say what is missing:\n%s", out)
	}
	s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "settings", "set", "appsIsolation=required")
	s.Run("systemctl", "restart", unit)
	s.connected()
	s.Refused([]string{"appsIsolation is required", `"filtered" only`}, "tcenvsvr", "doctor")
	out, err := s.cloud.Do(s.ctx, "run", "lab", "Test_-_Job", "--detach", "--param", "owner=me")
	must(s.t, err, "ordering an App")
	s.eventually("waiting for the agent to take no orders", func() error {
		if out, err := s.Try("tcenvsvr", "status"); !strings.Contains(out, "job.isolation") {
			return fmt.Errorf("it says %s (%v)", out, err)
		}
		return nil
	})
	if e := s.show(strings.TrimSpace(out)); e.Ended || e.State == "running" {
		s.t.Errorf("where isolation is required and cannot be had, an order is %+v; want it to wait", e)
	}
	s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "settings", "set", "appsIsolation=auto")
	s.Run("systemctl", "restart", unit)
	s.eventually("waiting for the order", func() error {
		if e := s.show(strings.TrimSpace(out)); e.State != wire.State(wire.Partial) {
			return fmt.Errorf("it is %s", e.State)
		}
		return nil
	})
}
