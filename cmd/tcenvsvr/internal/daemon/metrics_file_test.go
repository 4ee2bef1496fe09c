package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// safeLog is a log that is read while it is written.
type safeLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestMetricsFile: what fails is said once, is tried again, and mends itself.
func TestMetricsFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "collector", "x.prom")
	var log safeLog
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var asked atomic.Pointer[string]
		asked.Store(new(string))
		m := newMetricsFile(func() string { return *asked.Load() }, func() []byte { return []byte("x 1\n") }, slog.New(slog.NewTextHandler(&log, nil)))
		done := make(chan struct{})
		go func() { m.run(ctx); close(done) }()
		defer func() { cancel(); <-done }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := m.status(); s != nil {
			t.Errorf("nobody asked: got %+v", s)
		}
		asked.Store(&path)
		m.look()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := m.status(); s == nil || s.Problem == "" || !strings.Contains(s.Hint, "make the folder") {
			t.Errorf("without a folder: got %+v", s)
		}
		if got := strings.Count(log.String(), "is not written"); got != 1 {
			t.Errorf("said %d times: %s", got, &log)
		}
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(metricsEvery)
		synctest.Wait()
		if got, err := os.ReadFile(path); string(got) != "x 1\n" || err != nil || m.status().Problem != "" || !strings.Contains(log.String(), "written again") {
			t.Errorf("got %q, %v, %+v, %s", got, err, m.status(), &log)
		}
		asked.Store(new(string))
		m.look()
		synctest.Wait()
		if _, err := os.Stat(path); !os.IsNotExist(err) || m.status() != nil {
			t.Errorf("not wanted any more: got %v, %+v", err, m.status())
		}
	})
}

// TestMetricsFileOnADeadDisk: it is said, and keeps nobody.
func TestMetricsFileOnADeadDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m := newMetricsFile(func() string { return "/dead/x.prom" }, nil, slog.New(slog.DiscardHandler))
		m.use("/dead/x.prom")
		answer := make(chan struct{})
		ended := make(chan error)
		go func() { ended <- m.within(ctx, func() error { <-answer; return nil }) }()
		time.Sleep(metricsTimeout + time.Second)
		if s := m.status(); s == nil || s.Problem != "the file system does not answer" {
			t.Errorf("got %+v", s)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(answer)
	})
}
