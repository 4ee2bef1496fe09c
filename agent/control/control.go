package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNotRunning means that no agent listens on the socket.
var ErrNotRunning = errors.New("the Environment Server is not running")

// Actions are what the socket can ask of the agent.
type Actions struct {
	Status func() any
	Drain  func()
	Resume func()
}

// Serve answers on the socket at path until ctx ends. A stale socket is
// replaced, a live one is an error: one home has one agent.
func Serve(ctx context.Context, path string, a Actions) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("opening control socket: %w", err)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return fmt.Errorf("opening control socket %q: another agent answers there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("opening control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("opening control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("opening control socket: %w", err), l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a.Status())
	})
	mux.HandleFunc("POST /drain", func(http.ResponseWriter, *http.Request) { a.Drain() })
	mux.HandleFunc("POST /resume", func(http.ResponseWriter, *http.Request) { a.Resume() })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving control socket: %w", err)
	}
	return nil
}

// Call asks the agent behind the socket and decodes its answer into out,
// which may be nil. ErrNotRunning where there is none.
func Call(ctx context.Context, path, method, what string, out any) error {
	client := &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}},
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, "http://agent/"+what, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return ErrNotRunning
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("asking the Environment Server at %q: %w", path, os.ErrPermission)
	case err != nil:
		return fmt.Errorf("asking the Environment Server at %q: %w", path, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the Environment Server for %s: it answered %s", what, res.Status)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the Environment Server's answer: %w", err)
	}
	return nil
}
