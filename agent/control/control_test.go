package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
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
func serve(t *testing.T, path string, a Actions) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, path, a) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); Call(ctx, path, "GET", "status", nil) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the socket does not answer")
		}
	}
}

func TestCall(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	if err := Call(t.Context(), path, "GET", "status", nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without an agent: %v; want ErrNotRunning", err)
	}
	var drained, resumed bool
	serve(t, path, Actions{
		Status: func() any { return map[string]int{"active": 3} },
		Drain:  func() { drained = true }, Resume: func() { resumed = true },
	})
	var status struct{ Active int }
	if err := Call(t.Context(), path, "GET", "status", &status); err != nil || status.Active != 3 {
		t.Errorf("status %+v, %v", status, err)
	}
	if err := errors.Join(Call(t.Context(), path, "POST", "drain", nil), Call(t.Context(), path, "POST", "resume", nil)); err != nil || !drained || !resumed {
		t.Errorf("drain %v, resume %v, %v", drained, resumed, err)
	}
	if err := Call(t.Context(), path, "GET", "drain", nil); err == nil {
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
	if err := Call(t.Context(), path, "GET", "status", nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("with a stale socket: %v; want ErrNotRunning", err)
	}
	serve(t, path, Actions{Status: func() any { return nil }})
}

func TestSecondAgentIsRefused(t *testing.T) {
	path := filepath.Join(folder(t), "sock")
	serve(t, path, Actions{Status: func() any { return nil }})
	if err := Serve(t.Context(), path, Actions{}); err == nil || !strings.Contains(err.Error(), "another agent answers there") {
		t.Errorf("second Serve = %v", err)
	}
}
