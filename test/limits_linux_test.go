package test

import (
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/test/need"
)

// TestLimitsFollowSettings: a change of a limit reaches the next order, by the command line and by the
// file and a signal. What is seen here is the limit that holds on every Linux; that limits of memory
// hold is shown by test/host.TestLimitsHold.
func TestLimitsFollowSettings(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	app := s.script(c, "Limits", `
import resource
app.exit(0, "%d processes" % resource.getrlimit(resource.RLIMIT_NPROC)[0])`)
	a := s.agent(c, "lab", "one", "--appsRunner", "none", "--appsNumberofJobExecutors", "2", "--appsNumberofServices", "0")
	shows := func(want string) {
		t.Helper()
		if x := s.runToEnd(c, app); x.Message != want {
			t.Errorf("the App had %q; want %q", x.Message, want)
		}
	}
	shows("4096 processes") // appsTasksMax for each executor
	_, err := a.Do(s.ctx, "settings", "set", "appsTasksMax=500")
	s.must(err, "changing a setting")
	shows("1000 processes")
	s.must(set(a, "appsTasksMax", "700", "appsMemoryMegabytes", "300"), "changing the file")
	s.must(a.Signal(syscall.SIGHUP), "sending HUP")
	s.eventually("waiting for the settings to be taken", func() error { return logged(a, "appsMemoryMegabytes") })
	shows("1400 processes")

	// The memory is limited only in a control group that this agent does not have, unless a user's own
	// systemd has started the test.
	out, err := s.tcenvsvr(a, "status")
	if err != nil || !strings.Contains(out, "appsMemoryMegabytes=300 does NOT hold: ") && !strings.Contains(out, "memory, tasks, cpu of each App") {
		t.Errorf("status does not say whether the limit holds: %v\n%s", err, out)
	}
	out, _ = s.tcenvsvr(a, "doctor")
	if !strings.Contains(out, "appsMemoryMegabytes is 300 and does not hold: ") && !strings.Contains(out, "memory, tasks, cpu of each App") {
		t.Errorf("doctor does not say whether the limit holds:\n%s", out)
	}
}
