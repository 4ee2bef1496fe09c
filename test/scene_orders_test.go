package test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
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

// sleeper gives an order whose App marks each start and sleeps.
func (s *scene) sleeper(c *stage.Cloud, environment, mark string, seconds float64, flags ...string) (string, error) {
	args := append([]string{"run", environment, "Test_-_Sleep", "--detach", "--param", fmt.Sprint("seconds=", seconds), "--param", "marker_url=" + s.markURL(mark)}, flags...)
	out, err := c.Do(s.ctx, args...)
	return strings.TrimSpace(out), err
}

// markFile has a line for each start of a sleeper's App. That ends early when there is a file of
// this name with .end.
func (s *scene) markFile(mark string) string { return filepath.Join(s.Dir, "marks-"+mark) }

// markURL is where a sleeper's App leaves its marks: an isolated App writes nothing outside of its
// job's folder, and reaches the network.
func (s *scene) markURL(mark string) string {
	s.t.Helper()
	address, err := s.marks()
	s.must(err, "listening for marks")
	return "http://" + address + "/" + mark
}

// newMarks returns what starts the server of the marks once. A POST appends to the file of the
// mark, a GET finds the file.
func newMarks(t *testing.T, dir string) func() (address string, err error) {
	return sync.OnceValues(func() (string, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		var mu sync.Mutex
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			file := filepath.Join(dir, "marks-"+filepath.Base(r.URL.Path))
			if r.Method == http.MethodGet {
				if _, err := os.Stat(file); err != nil {
					http.NotFound(w, r)
				}
				return
			}
			line, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
			if err == nil {
				mu.Lock()
				err = appendTo(file, line)
				mu.Unlock()
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
		return l.Addr().String(), nil
	})
}

func appendTo(file string, line []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}

// isolated checks that the App of a sleeper had a PID namespace of its own.
func (s *scene) isolated(mark string) {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	text, err := os.ReadFile(s.markFile(mark))
	s.must(err, "reading the marks")
	ours, err := os.Readlink("/proc/self/ns/pid")
	s.must(err, "reading which namespace this is")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) != 4 || f[3] == ours {
			s.t.Errorf("the App of %s was not isolated: %q, and this test is in %s", mark, line, ours)
		}
	}
}

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
