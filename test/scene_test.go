package test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/stage"
)

// A scene is a stage for one test. When the test ends, all processes of the scene are killed; the
// test fails if one of them printed a data race or a panic, and a test that failed shows what they
// printed.
type scene struct {
	*stage.Stage
	t     *testing.T
	ctx   context.Context
	marks func() (address string, err error)
}

// limit bounds one end-to-end test; only a hang reaches it.
const limit = 10 * time.Minute

func newScene(t *testing.T) *scene {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this test builds and runs the programs")
	}
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	// A short name, because sockets live below it, and open to the sandbox user.
	dir, err := os.MkdirTemp("", "tc")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	s := &scene{Stage: &stage.Stage{Dir: dir}, t: t, ctx: ctx, marks: newMarks(t, dir)}
	t.Cleanup(func() {
		cancel()
		killAllIn(dir)
		s.inspect()
		_ = os.RemoveAll(dir)
	})
	// Links of its own tell this scene's processes from others'.
	s.CloudBin, s.AgentBin = filepath.Join(dir, "tccloud"), filepath.Join(dir, "tcenvsvr")
	s.must(os.Link(built.CloudBin, s.CloudBin), "placing tccloud")
	s.must(os.Link(built.AgentBin, s.AgentBin), "placing tcenvsvr")
	s.must(os.Link(built.AgentBin+"-shim", s.AgentBin+"-shim"), "placing tcenvsvr-shim")
	return s
}

// must ends the test on an error, saying what was being done.
func (s *scene) must(err error, doing string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", doing, err)
	}
}

// cloud starts a cloud and makes an Environment in it.
func (s *scene) cloud(environment string, args ...string) *stage.Cloud {
	s.t.Helper()
	c, err := s.StartCloud(s.ctx, "cloud", args...)
	s.must(err, "starting the cloud")
	_, err = c.Do(s.ctx, "env", "create", environment)
	s.must(err, "creating the Environment")
	return c
}

// agent enrolls a server by a bundle, starts it and waits for its session.
func (s *scene) agent(c *stage.Cloud, environment, name string, flags ...string) *stage.Agent {
	s.t.Helper()
	a, err := c.Enroll(s.ctx, environment, name)
	s.must(err, "enrolling "+name)
	s.start(a, flags...)
	return a
}

// start runs an enrolled agent, for the first time or again. Its Apps are isolated unless the flags
// say otherwise.
func (s *scene) start(a *stage.Agent, flags ...string) {
	s.t.Helper()
	s.must(a.Start(flags...), "starting the agent")
	s.must(a.Connected(s.ctx), "waiting for the agent's session")
}

// eventually waits until f succeeds.
func (s *scene) eventually(doing string, f func() error) {
	s.t.Helper()
	s.must(stage.Eventually(s.ctx, f), doing)
}

// traceback is how many lines after a signal of a test that made it crash a program may report a
// fatal error: the runtime (go1.26) trips over its own traceback if the signal came while the main
// thread was in the race detector's code, whose stack is not Go's.
const traceback = 12

// inspect looks through what the processes printed.
func (s *scene) inspect() {
	s.logs(func(path string, lines []string) {
		killed := -traceback
		for i, line := range lines {
			if strings.HasPrefix(line, "SIGABRT: ") || strings.HasPrefix(line, "SIGQUIT: ") {
				killed = i
			}
			for _, bad := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
				if strings.HasPrefix(line, bad) && i-killed >= traceback {
					s.t.Errorf("%s: %s", path, line)
				}
			}
		}
	})
	if s.t.Failed() {
		s.logs(func(path string, lines []string) {
			s.t.Logf("end of %s:\n%s", path, strings.Join(lines[max(0, len(lines)-80):], "\n"))
		})
	}
}

// silentAbout fails the test if any log of the scene has one of the secrets.
func (s *scene) silentAbout(secrets ...string) {
	s.t.Helper()
	s.logs(func(path string, lines []string) {
		for i, line := range lines {
			for _, secret := range secrets {
				if strings.Contains(line, secret) {
					s.t.Errorf("%s:%d tells a secret", path, i+1)
				}
			}
		}
	})
}

// logs calls f with every log of our programs: what they printed, the agents' log files, and what
// the shims printed. What Apps print is not ours.
func (s *scene) logs(f func(path string, lines []string)) {
	_ = filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		folder, _ := filepath.Rel(s.Dir, filepath.Dir(path))
		ours := strings.HasSuffix(path, ".log") && (folder == "." || filepath.Base(folder) == "logs") ||
			filepath.Base(folder) == "shim" && d.Name() != "stdout" && d.Name() != "stderr" && d.Name() != "log"
		if !ours { // and not read: an App's files may claim to be huge
			return nil
		}
		if text, err := os.ReadFile(path); err == nil {
			f(path, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
		}
		return nil
	})
}
