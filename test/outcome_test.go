package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// left is what the cloud shows of what an App left behind.
type left struct {
	execution
	Results map[string]string `json:"results"`
	Files   []wire.File       `json:"files"`
}

// runToEnd gives an order and returns what the cloud shows when it has ended.
func (s *scene) runToEnd(c *stage.Cloud, app string, flags ...string) left {
	s.t.Helper()
	out, err := c.Do(s.ctx, append([]string{"run", "lab", app, "--detach"}, flags...)...)
	s.must(err, "giving an order")
	id := strings.TrimSpace(out)
	s.waitEnd(c, id)
	var x left
	s.must(c.JSON(s.ctx, &x, "execution", "show", id), "reading the outcome")
	return x
}

// script adds an App of the given name whose run.py does body; p are its parameters.
func (s *scene) script(c *stage.Cloud, name, body string) string {
	s.t.Helper()
	files, err := apps.Files("workers")
	s.must(err, "reading the App")
	manifest := strings.ReplaceAll(string(files["install.json"]), "Test - Workers", "Test - "+name)
	files["install.json"] = []byte(strings.Replace(manifest, `"sdkVersion"`, `"publishOutFiles": ["*.csv"], "sdkVersion"`, 1))
	files["run.py"] = []byte("import os, sys, time\nimport tc\napp = tc.App(tc.params())\np = app.p\n" + body + "\n")
	file := filepath.Join(s.Dir, name+".tcx")
	s.must(apps.Pack(file, files), "packing the App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")
	return "Test_-_" + name
}

// TestWhatAnAppLeaves: an App with processes says what it said itself, whenever the agent is
// killed.
func TestWhatAnAppLeaves(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "workers")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	for i := range 5 {
		out, err := c.Do(s.ctx, "run", "lab", "Test_-_Workers", "--detach")
		s.must(err, "giving an order")
		if i > 0 {
			time.Sleep(time.Duration(i) * 150 * time.Millisecond) // where in its life, not a synchronisation
			a.Kill()
			s.start(a, "--appsRunner", "none")
		}
		id := strings.TrimSpace(out)
		s.waitEnd(c, id)
		var x left
		s.must(c.JSON(s.ctx, &x, "execution", "show", id), "reading the outcome")
		if x.State != wire.State(wire.Succeeded) || x.Message != "Success" || x.Results["count"] != "285" {
			t.Errorf("got %+v", x)
		}
	}
}

// TestLogsOfAnyName are followed while the App runs, and go on where they were under the next
// agent.
func TestLogsOfAnyName(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	app := s.script(c, "Logger", fmt.Sprintf(`
import urllib.request
def opened(url):
    try:
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url)
    except OSError:
        return None
def say(name, text):
    with open(os.path.join(p["tc_log_path"], name), "a") as f:
        f.write(text + "\n")
say("Feed.log", "first")
while not opened(%q):
    time.sleep(0.02)
say("Feed.log", "second")
say("trigger-id-1.log", "third")
app.exit(0, "logged")`, s.markURL("gate")))
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	out, err := c.Do(s.ctx, "run", "lab", app, "--detach")
	s.must(err, "giving an order")
	id := strings.TrimSpace(out)
	shows := func(want string) func() error {
		return func() error {
			got, err := c.Do(s.ctx, "execution", "logs", id, "--stream", "app")
			if err == nil && got != want {
				err = fmt.Errorf("the log is %q, want %q", got, want)
			}
			return err
		}
	}
	live := "==> Feed.log <==\nfirst\n"
	s.eventually("following the log", shows(live))
	a.Kill()
	s.start(a, "--appsRunner", "none")
	s.must(os.WriteFile(s.markFile("gate"), nil, 0o600), "opening the gate")
	if e := s.waitEnd(c, id); e.Message != "logged" {
		t.Errorf("got %+v", e)
	}
	s.must(shows(live+"second\n==> trigger-id-1.log <==\nthird\n")(), "reading the log")
}

// TestJavaLog: the SDK names the log after the main class.
func TestJavaLog(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Java(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "java")
	s.agent(c, "lab", "one", "--appsRunner", "none")
	out, err := c.Do(s.ctx, "run", "lab", "Test_-_Java", "--detach", "--kv", `#App:1:in!String=abc`, "--param", "in_string=#App:1:in!String")
	s.must(err, "giving an order")
	id := strings.TrimSpace(out)
	if e := s.waitEnd(c, id); e.State != wire.State(wire.Succeeded) {
		t.Errorf("got %+v", e)
	}
	if text, err := c.Do(s.ctx, "execution", "logs", id, "--stream", "app"); err != nil || !strings.HasPrefix(text, "==> Main.log <==\n") {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestTooMuchToPublish: what there is room for is delivered, the rest is named.
func TestTooMuchToPublish(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	many := s.script(c, "Many", `
for n in range(300):
    open(app.out("%03d.csv" % n), "w").write("x")
app.exit(0, "300 files")`)
	sparse := s.script(c, "Sparse", `
for n in range(20):
    with open(app.out("%02d.csv" % n), "w") as f:
        f.truncate(1 << 40)
open(app.out("z.csv"), "w").write("x")
app.exit(0, "20 TiB")`)
	s.agent(c, "lab", "one", "--appsRunner", "none")
	x := s.runToEnd(c, many)
	delivered := 0
	for _, f := range x.Files {
		if f.Error == "" {
			delivered++
		}
	}
	if delivered != 256 || len(x.Files) != 257 || !strings.Contains(x.Files[0].Error, `256 of 300`) || !strings.Contains(x.Files[0].Error, `"256.csv"`) {
		t.Errorf("%d files delivered, %+v", delivered, x.Files[0])
	}
	x = s.runToEnd(c, sparse)
	if n := len(x.Files); n != 21 || x.Files[20].Error != "" || !strings.Contains(x.Files[0].Error, "a published file has at most") {
		t.Errorf("got %+v", x.Files)
	}
	said := false
	s.logs(func(_ string, lines []string) {
		said = said || strings.Contains(strings.Join(lines, "\n"), "256 of 300 files")
	})
	if !said {
		t.Error("the agent's log does not say what is missing")
	}
}

// TestCauseAndParameters: an App without a message is explained by its stderr, and knows who it
// works for.
func TestCauseAndParameters(t *testing.T) {
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	crash := s.script(c, "Crash", `
print("cannot reach the feed", file=sys.stderr)
raise ValueError("no feed\n  tried 3 times")`)
	told := s.script(c, "Told", `
app.exit(0, " ".join(p.get(name, "-") for name in ("tc_user_id", "api_default_org", "tc_log_to_api")) + " %s" % (int(p["tc_job_id"]) > 0))`)
	s.agent(c, "lab", "one", "--appsRunner", "none")
	if x := s.runToEnd(c, crash); x.State != wire.State(wire.Failed) || x.Message != "cannot reach the feed\nValueError: no feed\n  tried 3 times" {
		t.Errorf("got %+v", x)
	}
	if x := s.runToEnd(c, told); x.Message != "1 lab false True" {
		t.Errorf("got %+v", x)
	}
}
