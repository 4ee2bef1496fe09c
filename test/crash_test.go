package test

import (
	"errors"
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

// execution is what these tests look at.
type execution struct {
	ID      string         `json:"id"`
	State   wire.State     `json:"state"`
	Ended   bool           `json:"ended"`
	Attempt wire.Attempt   `json:"attempt"`
	Server  wire.ServerXID `json:"server_name"`
	Message string         `json:"message"`
	Reason  string         `json:"reason"`
	Error   string         `json:"error"`
	EndedAt time.Time      `json:"ended_at"`
}

// add packs test Apps and puts them into the cloud's catalog.
func (s *scene) add(c *stage.Cloud, names ...string) {
	s.t.Helper()
	for _, name := range names {
		file, err := apps.Build(name, s.Dir)
		s.must(err, "building App "+name)
		_, err = c.Do(s.ctx, "app", "add", file)
		s.must(err, "adding App "+name)
	}
}

// sleeper gives an order whose App marks each start in a file and sleeps.
func (s *scene) sleeper(c *stage.Cloud, environment, mark string, seconds float64, flags ...string) (string, error) {
	args := append([]string{"run", environment, "Test_-_Sleep", "--detach", "--param", fmt.Sprint("seconds=", seconds), "--param", "marker_file=" + s.markFile(mark)}, flags...)
	out, err := c.Do(s.ctx, args...)
	return strings.TrimSpace(out), err
}

func (s *scene) markFile(mark string) string { return filepath.Join(s.Dir, "marks-"+mark) }

// starts counts how often the App of a sleeper was started.
func (s *scene) starts(mark string) int {
	text, err := os.ReadFile(s.markFile(mark))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

// end waits until an execution has ended.
func (s *scene) end(c *stage.Cloud, id string) execution {
	s.t.Helper()
	var e execution
	s.eventually("waiting for the end of "+id, func() error {
		if err := c.JSON(s.ctx, &e, "execution", "show", id); err != nil {
			return err
		}
		if !e.Ended {
			return fmt.Errorf("it is %s, attempt %d: %s", e.State, e.Attempt, e.Reason)
		}
		return nil
	})
	return e
}

// once checks that an order succeeded and that its App ran exactly once.
func (s *scene) once(c *stage.Cloud, id, mark string) {
	s.t.Helper()
	if e := s.end(c, id); e.State != wire.State(wire.Succeeded) {
		s.t.Errorf("order %s (%s) ended %s, attempt %d: %s %s %s", mark, id, e.State, e.Attempt, e.Error, e.Message, e.Reason)
	}
	if n := s.starts(mark); n != 1 {
		s.t.Errorf("App of order %s (%s) was started %d times; want once", mark, id, n)
	}
}

// TestAgentKilledAtEveryStep kills the agent at moments spread over the life of an order: the job
// goes on, the next agent finds it, exactly one result arrives.
func TestAgentKilledAtEveryStep(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	for i := range 12 {
		mark := fmt.Sprint("kill-", i)
		id, err := s.sleeper(c, "lab", mark, 0.2)
		s.must(err, "giving an order")
		time.Sleep(time.Duration(i) * 50 * time.Millisecond) // where in its life, not a synchronisation
		a.Kill()
		s.start(a, "--appsRunner", "none")
		s.once(c, id, mark)
	}
	s.quiet(a)
}

// TestCloudKilledAtEveryStep does the same to the cloud, beginning while the order is being given.
func TestCloudKilledAtEveryStep(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	for i := range 12 {
		mark := fmt.Sprint("kill-", i)
		type given struct {
			id  string
			err error
		}
		gave := make(chan given, 1)
		go func() {
			id, err := s.sleeper(c, "lab", mark, 0.2)
			gave <- given{id, err}
		}()
		time.Sleep(time.Duration(i) * 40 * time.Millisecond)
		c.Kill()
		order := <-gave
		s.must(c.Restart(s.ctx), "starting the cloud again")
		if order.err != nil { // the operator was told; it may have been taken all the same
			if order.id = s.find(c); order.id == "" {
				if s.starts(mark) != 0 {
					t.Errorf("order %s is unknown and its App was started", mark)
				}
				continue
			}
		}
		s.once(c, order.id, mark)
		if i%3 == 2 { // a fresh one does not wait for the cloud as long as one that was cut so often
			s.quiet(a)
			a.Stop(20 * time.Second)
			s.start(a, "--appsRunner", "none")
		}
	}
	s.quiet(a)
}

// find looks for an execution that has not ended: all before it have.
func (s *scene) find(c *stage.Cloud) string {
	s.t.Helper()
	var all []execution
	s.must(c.JSON(s.ctx, &all, "execution", "list"), "listing executions")
	for _, e := range all {
		if !e.Ended {
			return e.ID
		}
	}
	return ""
}

// quiet waits until an agent has nothing left to do or to say.
func (s *scene) quiet(a *stage.Agent) {
	s.t.Helper()
	s.eventually("waiting for an agent without work", func() error {
		status, err := a.Status(s.ctx)
		if err == nil && (status.Active != 0 || status.Outbox != 0) {
			err = fmt.Errorf("%d orders, %d results", status.Active, status.Outbox)
		}
		return err
	})
}

// TestTwoAgentsShareAnEnvironment: both work; when one is lost, the queue moves, its running order
// is interrupted with a reason, and is run again elsewhere only where that was allowed.
func TestTwoAgentsShareAnEnvironment(t *testing.T) {
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab", "--lease", "3s", "--heartbeat", "500ms")
	s.add(c, "sleep")
	flags := []string{"--appsRunner", "none", "--appsNumberofJobExecutors", "2"}
	one := s.agent(c, "lab", "one", flags...)

	// What runs on the first when it is lost: one order of each kind.
	retryable, err := s.sleeper(c, "lab", "retryable", 60, "--retryable")
	s.must(err, "giving an order")
	plain, err := s.sleeper(c, "lab", "plain", 60)
	s.must(err, "giving an order")
	for _, mark := range []string{"retryable", "plain"} {
		s.eventually("waiting for "+mark, func() error {
			if s.starts(mark) == 0 {
				return errors.New("not started")
			}
			return nil
		})
	}
	// What waits: more than fits.
	var queued []string
	for i := range 4 {
		id, err := s.sleeper(c, "lab", fmt.Sprint("queued-", i), 0.1)
		s.must(err, "giving an order")
		queued = append(queued, id)
	}
	two := s.agent(c, "lab", "two", flags...)
	one.Kill()
	for i, id := range queued {
		s.once(c, id, fmt.Sprint("queued-", i))
	}
	if e := s.end(c, plain); e.State != wire.State(wire.Interrupted) || e.Reason == "" || e.Attempt != 1 {
		t.Errorf("the order that may not be repeated ended %s in attempt %d: %q", e.State, e.Attempt, e.Reason)
	}
	s.eventually("waiting for the second attempt", func() error {
		if n := s.starts("retryable"); n != 2 {
			return fmt.Errorf("started %d times", n)
		}
		return nil
	})
	_, err = c.Do(s.ctx, "execution", "cancel", retryable)
	s.must(err, "cancelling the second attempt")
	if e := s.end(c, retryable); e.State != wire.State(wire.Cancelled) || e.Attempt != 2 || e.Server != "two" {
		t.Errorf("the repeated order ended %s in attempt %d on %q", e.State, e.Attempt, e.Server)
	}

	// The first comes back with jobs that are not its any more.
	s.start(one, flags...)
	s.quiet(one)
	s.eventually("waiting for the end of fenced jobs", func() error {
		if left := processesOf(one.Home); left > 0 {
			return fmt.Errorf("%d processes", left)
		}
		return nil
	})
	if e := s.end(c, plain); e.State != wire.State(wire.Interrupted) {
		t.Errorf("a fenced result changed the outcome to %s", e.State)
	}
	s.quiet(two)
}

// processesOf counts processes of Apps: they stand in the App's folder.
func processesOf(home string) int {
	n := 0
	for _, where := range processesIn(home) {
		if strings.HasPrefix(where, "cwd ") && strings.Contains(where, "/exchange/programs/") {
			n++
		}
	}
	return n
}
