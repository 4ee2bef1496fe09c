package clock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/clock"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

const (
	years = 10 * 366 * 24 * time.Hour // beyond the end of a CA that was made today
	away  = time.Minute               // from where on clocks disagree
	limit = 5 * time.Minute           // of one test; only a hang reaches it
)

var offsets = map[string]time.Duration{"+10y": years, "-10y": -years, "+1h": time.Hour, "-1h": -time.Hour}

func TestMain(m *testing.M) {
	// Apps leave marks beside their job's folder, which an isolated App cannot.
	_ = os.Setenv("TCENVSVR_APPSISOLATION", "off")
	code := m.Run()
	if programsDir != "" {
		_ = os.RemoveAll(programsDir)
	}
	os.Exit(code)
}

var programsDir string

// programs builds the programs with a clock that can be moved.
var programs = sync.OnceValues(func() (*stage.Stage, error) {
	dir, err := os.MkdirTemp("", "tcclock")
	if err != nil {
		return nil, err
	}
	programsDir = dir
	overlay, err := clock.Overlay(dir)
	if err != nil {
		return nil, err
	}
	return stage.New(context.Background(), dir, "", "", "-overlay", overlay)
})

// scene is a cloud and an agent, each with a clock of its own.
type scene struct {
	*stage.Stage
	*testing.T
	ctx   context.Context
	cloud *stage.Cloud
	agent *stage.Agent
}

// newScene has the programs in a folder of its own, whose clocks are right.
func newScene(t *testing.T) *scene {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this test builds and runs the programs")
	}
	t.Parallel() // it waits more than it works
	need.Python(t)
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tc")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	s := &scene{Stage: &stage.Stage{Dir: dir, AgentFlags: []string{"--appsRunner", "none"}}, T: t, ctx: ctx}
	t.Cleanup(func() {
		defer cancel()
		for _, p := range s.processes() {
			p.Kill()
		}
		if t.Failed() {
			for _, log := range []string{"cloud.log", "one.log"} {
				text, _ := os.ReadFile(filepath.Join(dir, log))
				t.Logf("end of %s:\n%s", log, text[max(0, len(text)-6000):])
			}
		}
		_ = os.RemoveAll(dir)
	})
	for _, p := range []struct {
		to   *string
		from string
	}{{&s.CloudBin, built.CloudBin}, {&s.AgentBin, built.AgentBin}, {new(string), built.AgentBin + "-shim"}} {
		*p.to = filepath.Join(dir, filepath.Base(p.from))
		s.must(os.Link(p.from, *p.to), "placing a program")
		s.must(clock.Set(*p.to, 0), "setting its clock")
	}
	return s
}

func (s *scene) processes() (running []*stage.Process) {
	if s.agent != nil && s.agent.Process != nil {
		running = append(running, s.agent.Process)
	}
	if s.cloud != nil && s.cloud.Process != nil {
		running = append(running, s.cloud.Process)
	}
	return running
}

func (s *scene) must(err error, doing string) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", doing, err)
	}
}

// until waits until f succeeds.
func (s *scene) until(doing string, f func() error) {
	s.Helper()
	s.must(stage.Eventually(s.ctx, f), doing)
}

// set moves the clock of one side's host.
func (s *scene) set(side string, by time.Duration) {
	s.Helper()
	files := []string{s.CloudBin}
	if side == "agent" {
		files = []string{s.AgentBin, s.AgentBin + "-shim"}
	}
	for _, f := range files {
		s.must(clock.Set(f, by), "setting the clock of the "+side)
	}
}

// open starts the cloud, with an App in its catalog.
func (s *scene) open() {
	s.Helper()
	var err error
	// The lease is not what is tried here, and a busy machine is slow.
	s.cloud, err = s.StartCloud(s.ctx, "cloud", "--lease", "5m")
	s.must(err, "starting the cloud")
	_, err = s.cloud.Do(s.ctx, "env", "create", "lab")
	s.must(err, "creating the Environment")
	file, err := apps.Build("sleep", s.Dir)
	s.must(err, "building an App")
	_, err = s.cloud.Do(s.ctx, "app", "add", file)
	s.must(err, "adding an App")
}

// join enrolls the agent and starts it.
func (s *scene) join() {
	s.Helper()
	var err error
	s.agent, err = s.cloud.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling the agent")
	s.must(s.agent.Start(), "starting the agent")
	s.connected()
}

func (s *scene) connected() {
	s.Helper()
	s.must(s.agent.Connected(s.ctx), "waiting for the session")
}

// restart kills one side and starts it again.
func (s *scene) restart(side string, meanwhile func()) {
	s.Helper()
	if side == "agent" {
		s.agent.Kill()
		meanwhile()
		s.must(s.agent.Start(), "starting the agent again")
		return
	}
	s.cloud.Kill()
	meanwhile()
	s.must(s.cloud.Restart(s.ctx), "starting the cloud again")
}

// order gives an order that runs until release is called for it.
func (s *scene) order(mark string) string {
	s.Helper()
	out, err := s.cloud.Do(s.ctx, "run", "lab", "Test_-_Sleep", "--detach", "--param", "seconds=600", "--param", "marker_file="+s.mark(mark))
	s.must(err, "giving an order")
	return strings.TrimSpace(out)
}

func (s *scene) mark(name string) string { return filepath.Join(s.Dir, "mark-"+name) }

func (s *scene) starts(mark string) int {
	text, _ := os.ReadFile(s.mark(mark))
	return strings.Count(string(text), "\n")
}

func (s *scene) runs(mark string) {
	s.Helper()
	s.until("waiting for the App of order "+mark, func() error {
		if s.starts(mark) == 0 {
			return errors.New("it was not started")
		}
		return nil
	})
}

func (s *scene) release(mark string) {
	s.Helper()
	s.must(os.WriteFile(s.mark(mark)+".end", nil, 0o600), "having an App end")
}

// done checks that an order succeeded in one start.
func (s *scene) done(id, mark string) {
	s.Helper()
	var e struct {
		State   wire.State
		Ended   bool
		Reason  string
		Message string
	}
	s.until("waiting for the end of order "+mark, func() error {
		if err := s.cloud.JSON(s.ctx, &e, "execution", "show", id); err != nil || e.Ended {
			return err
		}
		return fmt.Errorf("it is %s: %s", e.State, e.Reason)
	})
	if n := s.starts(mark); e.State != wire.State(wire.Succeeded) || n != 1 {
		s.Errorf("order %s is %s after %d starts: %s %s", mark, e.State, n, e.Message, e.Reason)
	}
}

// apart waits until both sides say that the clocks disagree.
func (s *scene) apart() {
	s.Helper()
	s.until("waiting for the agent to say it", func() error {
		if st, err := s.agent.Status(s.ctx); err != nil || st.Skew().Abs() < away {
			return fmt.Errorf("the skew is %s (%w)", st.Skew(), err)
		}
		return nil
	})
	s.until("waiting for the cloud to say it", func() error {
		list, err := s.cloud.Do(s.ctx, "server", "list")
		if err == nil && !strings.Contains(list, "connected, clock ") {
			err = errors.New(list)
		}
		return err
	})
	status, _ := s.cloud.Do(s.ctx, "status") // which may fail: health is about the clock, too
	if !strings.Contains(status, "those of 1 servers are more than a minute off") {
		s.Errorf("status says %s", status)
	}
}

// wasSet waits until the cloud says that its clock was set, and what to do.
func (s *scene) wasSet(by time.Duration) {
	s.Helper()
	s.until("waiting for the cloud to say that its clock was set", func() error {
		status, _ := s.cloud.Do(s.ctx, "status") // fails: health is not well
		for _, want := range []string{fmt.Sprintf("it was set by %s, from ", by), "make sure that it is right now (timedatectl): certificates and schedules go by it"} {
			if !strings.Contains(status, want) {
				return fmt.Errorf("status does not say %q: %s", want, status)
			}
		}
		return nil
	})
}

// agree waits until neither side says so any more.
func (s *scene) agree() {
	s.Helper()
	s.connected()
	s.until("waiting for the clocks to agree", func() error {
		st, err := s.agent.Status(s.ctx)
		list, err2 := s.cloud.Do(s.ctx, "server", "list")
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if st.Skew().Abs() > away || strings.Contains(list, "connected, clock ") {
			return fmt.Errorf("the skew is %s; %s", st.Skew(), list)
		}
		return nil
	})
}

// A clock that is set while orders run, either way, there and back.
func TestClockIsSetMeanwhile(t *testing.T) {
	for _, side := range []string{"agent", "cloud"} {
		for name, by := range offsets {
			t.Run(side+name, func(t *testing.T) {
				s := newScene(t)
				s.open()
				s.join()
				first := s.order("first")
				s.runs("first")
				s.set(side, by)
				s.apart()
				second := s.order("second")
				s.runs("second")
				s.release("second")
				if side == "cloud" { // all goes on, and a new session is possible as well
					s.wasSet(by)
					s.done(second, "second")
					s.restart("agent", func() {})
					s.connected()
				}
				s.set(side, 0)
				s.agree()
				s.done(second, "second")
				s.release("first")
				s.done(first, "first")
				third := s.order("third")
				s.release("third")
				s.done(third, "third")
			})
		}
	}
}

// A start with a wrong clock: what ran goes on, and what ended is still there; what cannot be until
// the clock is right is said.
func TestClockIsWrongAtTheStart(t *testing.T) {
	for _, side := range []string{"agent", "cloud"} {
		for name, by := range offsets {
			t.Run(side+name, func(t *testing.T) {
				s := newScene(t)
				s.open()
				s.join()
				old := s.order("old")
				s.release("old")
				s.done(old, "old")
				first := s.order("first")
				s.runs("first")
				_, err := s.cloud.Do(s.ctx, "env", "create", "empty")
				s.must(err, "creating another Environment")
				waits, err := s.cloud.Do(s.ctx, "run", "empty", "Test_-_Sleep", "--detach") // nobody takes it
				s.must(err, "giving an order")
				s.restart(side, func() { s.set(side, by) })
				if side == "agent" && by.Abs() == years {
					s.until("waiting for the agent to say why it is off", func() error {
						st, err := s.agent.Status(s.ctx)
						if f := st.Link.Failure; err == nil && (f == nil || f.Code != "tls.expired" || !strings.Contains(f.Message, "this host's clock says") || strings.Contains(f.Hint, "bundle")) {
							err = fmt.Errorf("it says %+v", f)
						}
						return err
					})
					report, err := s.agent.Do(s.ctx, "doctor")
					if err == nil || !strings.Contains(report, "the cloud's, which says 20") {
						s.Errorf("doctor does not say what time it is in the cloud (%v):\n%s", err, report)
					}
				} else {
					s.connected()
					s.apart()
					second := s.order("second")
					s.release("second")
					s.done(second, "second")
				}
				s.set(side, 0)
				s.agree()
				s.release("first")
				s.done(first, "first")
				s.done(old, "old")
				if state, err := s.cloud.Do(s.ctx, "execution", "show", strings.TrimSpace(waits)); err != nil || !strings.Contains(state, "queued") {
					s.Errorf("what was queued is not any more (%v): %s", err, state)
				}
			})
		}
	}
}

// The first start of a cloud makes certificates that hold when the clock is right.
func TestClockIsWrongAtTheFirstStart(t *testing.T) {
	for name, by := range map[string]time.Duration{"+10y": years, "-10y": -years} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.set("cloud", by)
			s.open()
			s.set("cloud", 0)
			s.join()
			id := s.order("one")
			s.release("one")
			s.done(id, "one")
		})
	}
}
