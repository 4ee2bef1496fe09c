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
	"strings"
	"time"
)

// lastAnswer is how long answers under way may take when Serve ends.
const lastAnswer = time.Second

// maxBody bounds a request.
const maxBody = 64 << 10

// Handler answers one request. body is what the caller sent, at most 64 KiB, empty if it sent
// nothing. The answer is encoded as JSON.
type Handler func(ctx context.Context, body []byte) (any, error)

// Handlers by method and name: "GET status", "POST drain". "POST " has all others of POST.
type Handlers map[string]Handler

// Do makes a handler of a function without argument and answer.
func Do(f func()) Handler {
	return func(context.Context, []byte) (any, error) { f(); return nil, nil }
}

// With makes a handler of a function whose argument is the body, decoded from JSON.
func With[T any](f func(context.Context, T) (any, error)) Handler {
	return func(ctx context.Context, body []byte) (any, error) {
		var in T
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
		return f(ctx, in)
	}
}

// Serve answers on the socket at path until ctx ends. A stale socket is replaced; one on which an
// agent answers is an error, because one home has one agent. A socket that disappears, because its
// file system was mounted anew or somebody removed it, is made again within seconds.
func Serve(ctx context.Context, path string, handlers Handlers) error {
	l, err := listen(path)
	if err != nil {
		return fmt.Errorf("opening control socket %q: %w", path, err)
	}
	mux := http.NewServeMux()
	for name, h := range handlers {
		method, what, _ := strings.Cut(name, " ")
		mux.HandleFunc(method+" /"+what, func(w http.ResponseWriter, r *http.Request) { answer(w, r, h) })
	}
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	for {
		again, err := serveOne(ctx, server, l, path)
		if err != nil {
			return fmt.Errorf("serving control socket: %w", err)
		}
		if !again {
			return nil
		}
		for l = nil; l == nil; { // the disk may not be there yet
			if l, err = listen(path); err == nil {
				break
			}
			select {
			case <-time.After(lookEvery):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// lookEvery is how often the socket is looked for.
const lookEvery = 2 * time.Second

// serveOne answers on one socket until ctx ends or the socket is gone; again: then it must be made
// again.
func serveOne(ctx context.Context, server *http.Server, l *net.UnixListener, path string) (again bool, err error) {
	made, err := os.Lstat(path)
	if err != nil {
		made = nil
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ours{l}) }()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			return false, err
		case <-look.C:
			if now, err := os.Lstat(path); err == nil && made != nil && os.SameFile(made, now) {
				continue
			}
			l.SetUnlinkOnClose(false) // what is there now is not ours
			_ = l.Close()
			<-ended //nolint:errcheck // it is that we have closed it
			return true, nil
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswer)
			defer cancel()
			if server.Shutdown(last) != nil { // the caller who made us stop still gets an answer
				_ = server.Close()
			}
			<-ended //nolint:errcheck // it is that we have closed it
			return false, nil
		}
	}
}

func listen(path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return nil, errors.New("another agent answers there")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// ours accepts only the agent's user and root. The socket's mode does the same; this holds also in
// the moment before the mode is set.
type ours struct{ net.Listener }

func (l ours) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || trusted(c) {
			return c, err
		}
		_ = c.Close()
	}
}

func answer(w http.ResponseWriter, r *http.Request, h Handler) {
	w.Header().Set("Content-Type", "application/json")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var out any
	if err == nil {
		out, err = h(r.Context(), body)
	}
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		out = failure{Error: err.Error()}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// failure is the answer of a handler that failed.
type failure struct {
	Error string `json:"error"`
}
