package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/need"
)

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
		s.ranOnce(c, id, mark)
		s.isolated(mark)
	}
	s.waitIdle(a)
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
			if order.id = s.runningOrder(c); order.id == "" {
				if s.appStarts(mark) != 0 {
					t.Errorf("order %s is unknown and its App was started", mark)
				}
				continue
			}
		}
		s.ranOnce(c, order.id, mark)
		if i%3 == 2 { // a fresh one does not wait for the cloud as long as one that was cut so often
			s.waitIdle(a)
			a.Stop(20 * time.Second)
			s.start(a, "--appsRunner", "none")
		}
	}
	s.waitIdle(a)
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
			if s.appStarts(mark) == 0 {
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
		s.ranOnce(c, id, fmt.Sprint("queued-", i))
	}
	if e := s.waitEnd(c, plain); e.State != wire.State(wire.Interrupted) || e.Reason == "" || e.Attempt != 1 {
		t.Errorf("the order that may not be repeated ended %s in attempt %d: %q", e.State, e.Attempt, e.Reason)
	}
	s.eventually("waiting for the second attempt", func() error {
		if n := s.appStarts("retryable"); n != 2 {
			return fmt.Errorf("started %d times", n)
		}
		return nil
	})
	_, err = c.Do(s.ctx, "execution", "cancel", retryable)
	s.must(err, "cancelling the second attempt")
	if e := s.waitEnd(c, retryable); e.State != wire.State(wire.Cancelled) || e.Attempt != 2 || e.Server != "two" {
		t.Errorf("the repeated order ended %s in attempt %d on %q", e.State, e.Attempt, e.Server)
	}

	// The first comes back with jobs that are not its any more.
	s.start(one, flags...)
	s.waitIdle(one)
	s.eventually("waiting for the end of fenced jobs", func() error {
		if left := processesOf(one.Home); left > 0 {
			return fmt.Errorf("%d processes", left)
		}
		return nil
	})
	if e := s.waitEnd(c, plain); e.State != wire.State(wire.Interrupted) {
		t.Errorf("a fenced result changed the outcome to %s", e.State)
	}
	s.waitIdle(two)
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
