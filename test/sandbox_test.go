package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
)

// TestSandboxUser runs an App as a second local user by sudo: what it may not do it cannot, and
// what it leaves, however closed, reaches the cloud.
func TestSandboxUser(t *testing.T) {
	t.Run("isolation off", func(t *testing.T) { probeHost(t, "off", "EACCES", "EPERM") })
	// What cannot be seen is not there; what can is read-only.
	t.Run("isolation required", func(t *testing.T) { probeHost(t, "required", "EACCES", "EPERM", "ENOENT", "ESRCH", "EROFS") })
}

// probeHost has an App try what it must not be able to do, and wants only these errors.
func probeHost(t *testing.T, isolation string, refusals ...string) {
	user := need.OtherUser(t)
	need.Tool(t, "sudo")
	need.Tool(t, "/usr/bin/python3.11", "/usr/bin/python3") // one that other users may run
	s := newScene(t)
	c := s.cloud("lab")

	file, err := apps.Build("probe", s.Dir)
	s.must(err, "building the App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")

	a := s.agent(c, "lab", "one", "--appsIsolation", isolation, "--appsSandboxUser", user.Username, "--appsPythonHome311", "/usr/bin/python3")
	p, err := paths.New(a.Home)
	s.must(err, "finding the agent's folders")
	var e execution
	err = c.JSON(s.ctx, &e, "run", "lab", "Test - Probe", "--param", "state="+p.State, "--param", "agent="+strconv.Itoa(a.PID()))
	s.must(err, "running the App: "+e.Error+" "+e.Message)
	if e.State != wire.State(wire.Succeeded) {
		t.Fatalf("the App ended %s: %s %s", e.State, e.Error, e.Message)
	}
	out := filepath.Join(s.Dir, "found")
	_, err = c.Do(s.ctx, "execution", "download", e.ID, "deep/found.json", "-o", out)
	s.must(err, "downloading what the App found")
	text, err := os.ReadFile(filepath.Join(out, "deep/found.json"))
	s.must(err, "reading what the App found")
	var found struct {
		UID   int
		Env   []string
		Tries map[string]string
	}
	s.must(json.Unmarshal(text, &found), "reading what the App found")
	if got := strconv.Itoa(found.UID); got != user.Uid {
		t.Errorf("the App ran as user %s; want %s (%s)", got, user.Uid, user.Username)
	}
	for what, got := range found.Tries {
		if what == "list state" && isolation == "required" { // an empty one, but for its own
			continue
		}
		if !slices.Contains(refusals, got) {
			t.Errorf("%s: %v; want one of %q", what, got, refusals)
		}
	}
	for _, name := range found.Env {
		for _, foreign := range []string{"SUDO_COMMAND", "SUDO_USER", "TCENVSVR_HOME", "GOPATH", "OLDPWD"} {
			if name == foreign {
				t.Errorf("the App's environment has %s", name)
			}
		}
	}
}
