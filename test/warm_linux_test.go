package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// TestWarmApp: an App that runs often is forked from a process that has imported its libraries. The
// agent's stop ends that, its death or a change of appsWarmMegabytes too, and no order notices.
func TestWarmApp(t *testing.T) {
	t.Run("own user", func(t *testing.T) { warmApp(t, "--appsRunner", "none") })
	t.Run("sandbox user", func(t *testing.T) {
		user := need.OtherUser(t)
		need.Tool(t, "sudo")
		warmApp(t, "--appsSandboxUser", user.Username)
	})
}

func warmApp(t *testing.T, flags ...string) {
	need.Tool(t, "/usr/bin/python3")
	s := newScene(t)
	c := s.cloud("lab")
	files, err := apps.Files("workers")
	s.must(err, "reading the App")
	files["install.json"] = []byte(strings.ReplaceAll(string(files["install.json"]), "Test - Workers", "Test - Warm"))
	files["deps/heavy/__init__.py"] = []byte("import os, ssl, asyncio, email.message\nimporter = os.getpid()\n")
	files["run.py"] = []byte(`import os, sys, time
sys.path.insert(0, os.path.join(os.getcwd(), "deps"))
import heavy
import tc
app = tc.App(tc.params())
app.result("count", "warm" if heavy.importer != os.getpid() else "cold")
time.sleep(float(app.p.get("count") or 0))
app.exit(0, "user %d" % os.getuid())
`)
	file := filepath.Join(s.Dir, "warm.tcx")
	s.must(apps.Pack(file, files), "packing the App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")
	flags = append(flags, "--appsIsolation", "required", "--appsPythonHome311", "/usr/bin/python3")
	a := s.agent(c, "lab", "one", flags...)

	run := func(want string) {
		t.Helper()
		x := s.runToEnd(c, "Test_-_Warm")
		if x.State != wire.State(wire.Succeeded) || x.Results["count"] != want {
			t.Errorf("got %s %q %q %q, want %q", x.State, x.Message, x.Error, x.Results["count"], want)
		}
	}
	for range 3 {
		run("cold")
	}
	ready := func() {
		t.Helper()
		s.eventually("waiting for the template", func() error {
			if list := s.status(a).Templates; len(list) != 1 || list[0].State != "ready" || list[0].Kilobytes == 0 || list[0].Version != "1.0.0" {
				return fmt.Errorf("templates are %+v", list)
			}
			return nil
		})
	}
	ready()
	run("warm")
	s.prints(a, "status", "template", "Test_-_Warm", "ready", "has started 1")

	// An order that is running goes on when its agent dies, and its result comes.
	out, err := c.Do(s.ctx, "run", "lab", "Test_-_Warm", "--detach", "--param", "count=3")
	s.must(err, "giving an order")
	s.eventually("waiting for the order to run", func() error {
		if list := s.status(a).Orders; len(list) != 1 || list[0].State != wire.StateRunning {
			return fmt.Errorf("orders are %+v", list)
		}
		return nil
	})
	a.Kill()
	s.start(a, flags...)
	id := strings.TrimSpace(out)
	s.waitEnd(c, id)
	var x left
	s.must(c.JSON(s.ctx, &x, "execution", "show", id), "reading the outcome")
	if x.State != wire.State(wire.Succeeded) || x.Results["count"] != "warm" {
		t.Errorf("got %s %q %q %q", x.State, x.Message, x.Error, x.Results["count"])
	}
	// The next agent knows the list, and starts a template at the third run.
	for range 3 {
		run("cold")
	}
	ready()
	run("warm")
	s.templates(a, 1)
	_, err = s.tcenvsvr(a, "settings", "set", "appsWarmMegabytes=0")
	s.must(err, "changing the setting")
	run("cold")
	a.Stop(time.Minute)
	s.templates(a, 0)
}

// warmStatus is the part of the status that templates and orders change.
type warmStatus struct {
	Templates []struct {
		Version, State string
		Kilobytes      int64
	}
	Orders []struct{ State wire.State }
}

func (s *scene) status(a *stage.Agent) warmStatus {
	s.t.Helper()
	var now warmStatus
	text, err := a.Do(s.ctx, "status", "--json")
	s.must(err, "asking for the status")
	s.must(json.Unmarshal([]byte(text), &now), "reading the status")
	return now
}

// templates waits until so many templates of the agent live.
func (s *scene) templates(a *stage.Agent, want int) {
	s.t.Helper()
	s.eventually("counting templates", func() error {
		list, err := filepath.Glob(filepath.Join(s.paths(a).Jobs, "template-*"))
		list = slices.DeleteFunc(list, func(dir string) bool { return !job.Attended(dir) })
		if err == nil && len(list) != want {
			err = errors.New(strings.Join(list, " "))
		}
		return err
	})
}
