package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// TestMaskedProc: where a part of /proc is covered, as in many containers, the kernel lets nobody
// mount another one. Apps then have files of their own and share processes; that is said, and where
// all isolation is required nothing runs.
func TestMaskedProc(t *testing.T) {
	other := need.OtherUser(t)
	need.Tool(t, "sudo")
	python := need.Tool(t, "/usr/bin/python3.11", "/usr/bin/python3") // one that other users may run
	const why = "mounting a /proc of its own: operation not permitted"
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep", "noop")
	a, err := c.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling")
	s.elsewhere("mount --bind /dev/null /proc/interrupts")
	for _, runner := range []string{"none", "sudo"} {
		s.must(set(a, "appsRunner", runner, "appsSandboxUser", other.Username, "appsPythonHome311", python, "appsIsolation", "auto"), "changing settings")
		said := func() int {
			log, err := os.ReadFile(a.Home + ".log")
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			return strings.Count(string(log), "Apps are not fully isolated")
		}
		before := said()
		s.start(a)
		id, err := s.sleeper(c, "lab", "masked-"+runner, 0)
		s.must(err, "giving an order")
		s.ranOnce(c, id, "masked-"+runner)
		s.isolatedAs(a, "files")
		out, err := s.tcenvsvr(a, "status")
		if err != nil || !strings.Contains(out, "files only: ") || !strings.Contains(out, why) {
			t.Errorf("%s: status does not say what is missing: %v\n%s", runner, err, out)
		}
		out, _ = s.tcenvsvr(a, "doctor")
		for _, want := range []string{`this host allows "files" only: `, why, "a /proc that is not masked"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: doctor does not say %q:\n%s", runner, want, out)
			}
		}
		a.Stop(limit)
		if n := said() - before; n != 1 {
			t.Errorf("%s: the log says it %d times; want once", runner, n)
		}

		s.must(set(a, "appsIsolation", "required"), "changing settings")
		s.start(a)
		id, err = s.sleeper(c, "lab", "required-"+runner, 0)
		s.must(err, "giving an order")
		s.eventually("waiting for the agent to take no orders", func() error {
			status, err := a.Status(s.ctx)
			if err == nil && (status.Unfit == nil || status.Unfit.Code != "job.isolation" || !strings.Contains(status.Unfit.Message, why)) {
				err = fmt.Errorf("it says %+v", status.Unfit)
			}
			return err
		})
		if n := s.appStarts("required-" + runner); n != 0 {
			t.Errorf("%s: where isolation is required and cannot be had, the App was started %d times", runner, n)
		}
		_, err = c.Do(s.ctx, "execution", "cancel", id)
		s.must(err, "cancelling the order")
		if e := s.waitEnd(c, id); e.State != wire.State(wire.Cancelled) {
			t.Errorf("%s: the order that waited ended %s", runner, e.State)
		}
		a.Stop(limit)
	}
}

// elsewhere has agents and commands that are started from here on see other mounts.
func (s *scene) elsewhere(mounts string) {
	s.t.Helper()
	script := filepath.Join(s.Dir, "another-host")
	s.must(os.WriteFile(script, fmt.Appendf(nil, "#!/bin/sh\nexec unshare --mount sh -c '%s && exec %s \"$@\"' sh \"$@\"\n", mounts, s.AgentBin), 0o600), "writing a script")
	s.must(os.Chmod(script, 0o755), "writing a script") //nolint:gosec // it is executed
	s.AgentBin = script
}

// isolatedAs checks what the agent says of itself.
func (s *scene) isolatedAs(a *stage.Agent, level string) {
	s.t.Helper()
	text, err := a.Do(s.ctx, "status", "--json")
	s.must(err, "asking for the status")
	var status struct {
		Isolation struct{ Level, Missing string }
	}
	s.must(json.Unmarshal([]byte(text), &status), "reading the status")
	if status.Isolation.Level != level {
		s.t.Errorf("Apps are isolated as %+v; want %q", status.Isolation, level)
	}
}
