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
	"time"
)

// lastAnswer is how long answers under way may take when Serve ends.
const lastAnswer = time.Second

// maxBody bounds a request.
const maxBody = 64 << 10

// Handler answers one request. body is what the caller sent, empty where
// that was nothing. The answer is encoded as JSON.
type Handler func(ctx context.Context, body []byte) (any, error)

// Handlers are by method and name: "GET status", "POST drain".
type Handlers map[string]Handler

// Do makes a handler of what takes and answers nothing.
func Do(f func()) Handler {
	return func(context.Context, []byte) (any, error) { f(); return nil, nil }
}

// With makes a handler of what takes a T.
func With[T any](f func(context.Context, T) (any, error)) Handler {
	return func(ctx context.Context, body []byte) (any, error) {
		var in T
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
		return f(ctx, in)
	}
}

// Serve answers on the socket at path until ctx ends. A stale socket is
// replaced, a live one is an error: one home has one agent. A socket that is gone, because its
// file system was mounted anew or somebody tidied up, is made again.
func Serve(ctx context.Context, path string, handlers Handlers) error {
	l, err := listen(path)
	if err != nil {
		return fmt.Errorf("opening control socket %q: %w", path, err)
	}
	mux := http.NewServeMux()
	for name, h := range handlers {
		method, what, _ := cut(name)
		mux.HandleFunc(method+" /"+what, func(w http.ResponseWriter, r *http.Request) { answer(w, r, h) })
	}
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	for {
		again, err := attend(ctx, server, l, path)
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

// attend answers on one socket until ctx ends or the socket is gone, which is to be done again.
func attend(ctx context.Context, server *http.Server, l *net.UnixListener, path string) (again bool, err error) {
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
			<-ended //nolint:errcheck // it says that it was closed: by us
			return true, nil
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswer)
			defer cancel()
			if server.Shutdown(last) != nil { // whoever made us stop still gets his answer
				_ = server.Close()
			}
			<-ended //nolint:errcheck // it says that it was closed: by us
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

// ours accepts only the agent's user and root. The socket's mode says the
// same; this holds also in the moment before it is set.
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

func cut(name string) (method, what string, ok bool) {
	for i := range name {
		if name[i] == ' ' {
			return name[:i], name[i+1:], true
		}
	}
	return http.MethodGet, name, false
}
