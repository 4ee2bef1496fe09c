package control

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// folder has a short name, because sockets live in it.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serve runs a socket until the test ends and waits until it answers.
func serve(t *testing.T, path string, h Handlers) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, path, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); Call(ctx, path, "GET", "status", nil, nil) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the socket does not answer")
		}
	}
}

func TestCall(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	if err := Call(t.Context(), path, "GET", "status", nil, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without an agent: %v; want ErrNotRunning", err)
	}
	var drained, resumed bool
	serve(t, path, Handlers{
		"GET status": func(context.Context, []byte) (any, error) { return map[string]int{"active": 3}, nil },
		"POST drain": Do(func() { drained = true }), "POST resume": Do(func() { resumed = true }),
	})
	var status struct{ Active int }
	if err := Call(t.Context(), path, "GET", "status", nil, &status); err != nil || status.Active != 3 {
		t.Errorf("status %+v, %v", status, err)
	}
	if err := errors.Join(Call(t.Context(), path, "POST", "drain", nil, nil), Call(t.Context(), path, "POST", "resume", nil, nil)); err != nil || !drained || !resumed {
		t.Errorf("drain %v, resume %v, %v", drained, resumed, err)
	}
	if err := Call(t.Context(), path, "GET", "drain", nil, nil); err == nil {
		t.Error("a drain by GET was obeyed")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the socket: %v, %v; want 0600", info.Mode(), err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as after kill -9
	_ = l.Close()
	if err := Call(t.Context(), path, "GET", "status", nil, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("with a stale socket: %v; want ErrNotRunning", err)
	}
	serve(t, path, Handlers{"GET status": Do(func() {})})
}

func TestSecondAgentIsRefused(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	serve(t, path, Handlers{"GET status": Do(func() {})})
	if err := Serve(t.Context(), path, Handlers{}); err == nil || !strings.Contains(err.Error(), "another agent answers there") {
		t.Errorf("second Serve = %v", err)
	}
}

// What a handler says reaches the caller, and what a caller says the handler.
func TestBodiesAndErrors(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	type level struct{ Level string }
	serve(t, path, Handlers{
		"GET status": Do(func() {}),
		"POST log-level": With(func(_ context.Context, l level) (any, error) {
			if l.Level == "loud" {
				return nil, errors.New("there is no level \"loud\"")
			}
			return level{"was info"}, nil
		}),
	})
	var was level
	if err := Call(t.Context(), path, "POST", "log-level", level{"debug"}, &was); err != nil || was.Level != "was info" {
		t.Errorf("answer %+v, %v", was, err)
	}
	err := Call(t.Context(), path, "POST", "log-level", level{"loud"}, nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Text != `there is no level "loud"` {
		t.Errorf("error %v", err)
	}
	if err := Call(t.Context(), path, "POST", "log-level", nil, nil); err == nil || !strings.Contains(err.Error(), "reading the request") {
		t.Errorf("without a body: %v", err)
	}
	if err := Call(t.Context(), path, "POST", "log-level", level{strings.Repeat("x", maxBody)}, nil); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("with a huge body: %v", err)
	}
	if err := Call(t.Context(), path, "POST", "make-coffee", nil, nil); err == nil || !strings.Contains(err.Error(), "does not know that") {
		t.Errorf("an unknown verb: %v", err)
	}
}

func TestAnAgentThatDoesNotAnswer(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	serve(t, path, Handlers{
		"GET status": Do(func() {}),
		"GET stuck":  func(ctx context.Context, _ []byte) (any, error) { <-ctx.Done(); return nil, nil },
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Call(ctx, path, "GET", "stuck", nil, nil); err == nil || err.Error() != "asking the Environment Server for stuck: it does not answer; its log may say why" {
		t.Errorf("got %v", err)
	}
}

// TestAnotherServer: what listens on the socket may be no agent.
func TestAnotherServer(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html>"))
	}))
	s.Listener = l
	s.Start()
	defer s.Close()
	for what, want := range map[string]string{
		"200": "reading the Environment Server's answer: ",
		"422": "reading the Environment Server's answer: ",
		"503": "asking the Environment Server for 503: it answered 503 Service Unavailable",
	} {
		if err := Call(t.Context(), path, "GET", what, nil, new(any)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", what, err, want)
		}
	}
}
