package test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// execution is an execution as the cloud shows it.
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

// appStarts counts how often the App of a sleeper was started.
func (s *scene) appStarts(mark string) int {
	text, err := os.ReadFile(s.markFile(mark))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

// appStarted checks that the App of a sleeper was started.
func (s *scene) appStarted(mark string) error {
	if s.appStarts(mark) == 0 {
		return errors.New("it was not started")
	}
	return nil
}

// waitEnd waits until an execution has ended, and returns it.
func (s *scene) waitEnd(c *stage.Cloud, id string) execution {
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

// ranOnce checks that an order succeeded and that its App ran exactly once.
func (s *scene) ranOnce(c *stage.Cloud, id, mark string) {
	s.t.Helper()
	if e := s.waitEnd(c, id); e.State != wire.State(wire.Succeeded) {
		s.t.Errorf("order %s (%s) ended %s, attempt %d: %s %s %s", mark, id, e.State, e.Attempt, e.Error, e.Message, e.Reason)
	}
	if n := s.appStarts(mark); n != 1 {
		s.t.Errorf("App of order %s (%s) was started %d times; want once", mark, id, n)
	}
}

// runningOrder returns the execution that has not ended, "" if all have.
func (s *scene) runningOrder(c *stage.Cloud) string {
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

// waitIdle waits until an agent has neither orders nor results in its outbox.
func (s *scene) waitIdle(a *stage.Agent) {
	s.t.Helper()
	s.eventually("waiting for an agent without work", func() error {
		status, err := a.Status(s.ctx)
		if err == nil && (status.Active != 0 || status.Outbox != 0) {
			err = fmt.Errorf("%d orders, %d results", status.Active, status.Outbox)
		}
		return err
	})
}

// compiled waits until an agent has nothing to compile.
func (s *scene) compiled(a *stage.Agent) {
	s.t.Helper()
	s.eventually("waiting for the compiler", func() error {
		status, err := a.Status(s.ctx)
		if err == nil && status.Bytecode.Pending > 0 {
			err = errors.New("it is at work")
		}
		return err
	})
}
