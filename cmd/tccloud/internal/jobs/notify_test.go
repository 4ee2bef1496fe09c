package jobs_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// TestSlowReceiver: one receiver that does not answer delays nobody else.
func TestSlowReceiver(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(end) })
	told := make(chan struct{}, 1)
	quick := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told <- struct{}{} }))
	t.Cleanup(quick.Close)
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	s.orders.refuse.Store(true)
	for _, j := range []struct{ name, to string }{{"a", slow.URL}, {"b", slow.URL}, {"c", quick.URL}} {
		s.create(t, job(j.name, func(n *jobs.Job) { n.Notify = j.to }))
		s.start(t, j.name)
		s.settled(t, j.name, 1)
		if j.name == "b" {
			time.Sleep(1500 * time.Millisecond) // the slow ones are on their way
		}
	}
	select {
	case <-told:
	case <-time.After(8 * time.Second):
		t.Error("a failure waits until another one's receiver answers")
	}
}

// lines is a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestURLIsSecret: whoever has the log must not be able to post what the Job may.
func TestURLIsSecret(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	t.Cleanup(busy.Close)
	log := new(lines)
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), func(cfg *jobs.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s.orders.refuse.Store(true)
	for name, to := range map[string]string{"feed": nobody.URL, "food": busy.URL} {
		s.create(t, job(name, func(j *jobs.Job) { j.Notify = to + "/s3cr3t" }))
		s.start(t, name)
	}
	for _, name := range []string{"feed", "food"} {
		s.until(t, name, func(v jobs.View) bool { return len(v.State.History) > 0 && v.State.History[0].Notify > 1 })
	}
	if text := log.String(); strings.Count(text, "was not told") != 2 || !strings.Contains(text, "the receiver answered 429 Too Many Requests") || strings.Contains(text, "s3cr3t") {
		t.Errorf("the log is\n%s", text)
	}
}
