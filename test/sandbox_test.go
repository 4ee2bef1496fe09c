package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"tcenvsvr/agent/paths"
	"tcenvsvr/agent/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
)

// probe is an App that tries what it must not be able to do and publishes
// what it found out.
const probe = `import json, os, sys
import tc

app = tc.App(tc.params())

def attempt(f):
    try:
        f()
        return "done"
    except OSError as e:
        return e.__class__.__name__

state = app.p["state"]
found = {"uid": os.getuid(), "env": sorted(os.environ)}
for name in ["settings.yaml", "keystore.p12", "journal", "journal/journal.0", "logs/tcenvsvr.log"]:
    found["read " + name] = attempt(lambda: os.listdir(os.path.join(state, name)) if name == "journal" else open(os.path.join(state, name), "rb").read(1))
found["write program"] = attempt(lambda: open("run.py", "a"))
found["new program"] = attempt(lambda: open(os.path.join(state, "exchange", "programs", "x"), "w"))
found["signal agent"] = attempt(lambda: os.kill(int(app.p["agent"]), 0))
found["environment of agent"] = attempt(lambda: open("/proc/%s/environ" % app.p["agent"], "rb").read(1))
found["control socket"] = attempt(lambda: open(os.path.join(state, "control.sock")))
os.umask(0o077)
os.mkdir(app.out("deep"), 0o700)
with open(app.out("deep/found.json"), "w") as f:
    json.dump(found, f)
app.exit(0, "looked around")
`

// TestSandboxUser runs an App as a second local user by sudo: what it may
// not do it cannot, and what it leaves, however closed, reaches the cloud.
func TestSandboxUser(t *testing.T) {
	user := need.OtherUser(t)
	need.Tool(t, "sudo")
	need.Tool(t, "/usr/bin/python3.11", "/usr/bin/python3") // one that other users may run
	s := newScene(t)
	c := s.cloud("lab")

	files, err := apps.Files("sleep")
	s.must(err, "reading an App's files")
	files["run.py"] = []byte(probe)
	var manifest map[string]any
	s.must(json.Unmarshal(files["install.json"], &manifest), "reading install.json")
	manifest["programName"], manifest["publishOutFiles"] = "Test - Probe", []string{"deep/found.json"}
	manifest["params"] = []map[string]string{{"name": "state", "type": "String"}, {"name": "agent", "type": "String"}}
	files["install.json"], err = json.Marshal(manifest)
	s.must(err, "writing install.json")
	file := filepath.Join(s.Dir, "probe.tcx")
	s.must(apps.Pack(file, files), "packing the App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")

	a := s.agent(c, "lab", "one", "--appsSandboxUser", user.Username, "--appsPythonHome311", "/usr/bin/python3")
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
	var found map[string]any
	s.must(json.Unmarshal(text, &found), "reading what the App found")
	if got := fmt.Sprint(found["uid"]); got != user.Uid {
		t.Errorf("the App ran as user %s; want %s (%s)", got, user.Uid, user.Username)
	}
	for what, got := range found {
		if what != "uid" && what != "env" && got != "PermissionError" {
			t.Errorf("%s: %v; want PermissionError", what, got)
		}
	}
	for _, name := range found["env"].([]any) {
		for _, foreign := range []string{"SUDO_COMMAND", "SUDO_USER", "TCENVSVR_HOME", "GOPATH", "OLDPWD"} {
			if name == foreign {
				t.Errorf("the App's environment has %s", name)
			}
		}
	}
}
