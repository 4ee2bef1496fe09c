package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// jobView is a Job as the cloud shows it.
type jobView struct {
	Run     *jobRun           `json:"run"`
	History []jobRun          `json:"history"`
	Left    map[string]string `json:"left"`
}

type jobRun struct {
	Why     string `json:"why"`
	Try     int    `json:"try"`
	Outcome string `json:"outcome"`
	Message string `json:"message"`
}

// jobIs waits until a Job is as it should be.
func (s *scene) jobIs(c *stage.Cloud, name, doing string, good func(jobView) bool) jobView {
	s.t.Helper()
	var j jobView
	s.eventually(doing, func() error {
		j = jobView{}
		if err := c.JSON(s.ctx, &j, "job", "show", name); err != nil {
			return err
		}
		if !good(j) {
			return fmt.Errorf("the Job is %+v", j)
		}
		return nil
	})
	return j
}

// TestFeed: three runs of a feed take each item once, whatever of agent and cloud is killed while
// they run.
func TestFeed(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "feed")
	alone := []string{"--appsRunner", "none", "--appsIsolation", "off"} // its App writes where the test looks
	a := s.agent(c, "lab", "one", alone...)
	source, taken := filepath.Join(s.Dir, "source"), filepath.Join(s.Dir, "taken")
	var items []string
	more := func(n int) {
		for range n {
			items = append(items, fmt.Sprint("item-", len(items)))
		}
		s.must(os.WriteFile(source, []byte(strings.Join(items, "\n")), 0o644), "writing the feed's source")
	}
	more(10)
	_, err := c.Do(s.ctx, "job", "create", "feed", "lab", "Test_-_Feed", "--param", "source="+source, "--param", "taken="+taken, "--param", "seconds=0.2", "--retries", "1", "--retry-delay", "0s")
	s.must(err, "creating the Job")
	settled := func(n int) jobView {
		return s.jobIs(c, "feed", fmt.Sprint("waiting for the end of run ", n), func(j jobView) bool { return j.Run == nil && len(j.History) == n })
	}
	for run := 1; run <= 3; run++ {
		_, err := c.Do(s.ctx, "job", "run", "feed", "--detach")
		s.must(err, "starting a run")
		s.eventually("waiting for the App", func() error {
			text, err := os.ReadFile(taken)
			if n := strings.Count(string(text), "\n"); err == nil && n <= len(items)-10 {
				err = fmt.Errorf("it took %d items", n)
			}
			return err
		})
		switch run {
		case 1:
			c.Kill()
			s.must(c.Restart(s.ctx), "starting the cloud again")
		case 2:
			a.Kill()
			s.start(a, alone...)
		}
		if j := settled(run); j.History[0].Outcome != "succeeded" || j.Left["last_run"] != fmt.Sprint(len(items)) {
			t.Errorf("run %d: %+v, left %v", run, j.History[0], j.Left)
		}
		more(10)
	}
	text, err := os.ReadFile(taken)
	s.must(err, "reading what was taken")
	if got, want := string(text), strings.Join(items[:30], "\n")+"\n"; got != want {
		t.Errorf("taken:\n%s", got)
	}

	// A failure is tried again, and leaves nothing.
	_, err = c.Do(s.ctx, "job", "edit", "feed", "--param", "exit_code=1", "--param", "seconds=0")
	s.must(err, "changing the Job")
	_, err = c.Do(s.ctx, "job", "run", "feed", "--detach")
	s.must(err, "starting a run")
	if j := settled(4); j.History[0].Outcome != "failed" || j.History[0].Try != 2 || j.Left["last_run"] != "30" {
		t.Errorf("a run that fails: %+v, left %v", j.History[0], j.Left)
	}

	// By the schedule, once.
	_, err = c.Do(s.ctx, "job", "edit", "feed", "--param", "exit_code=0", "--schedule", "every 1m")
	s.must(err, "changing the Job")
	if j := settled(5); j.History[0].Why != "schedule" || j.History[0].Outcome != "succeeded" || j.Left["last_run"] != "40" {
		t.Errorf("the run by schedule: %+v, left %v", j.History[0], j.Left)
	}
}
