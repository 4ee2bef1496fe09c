package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// ErrNotRunning means that no agent listens on the socket.
var ErrNotRunning = errors.New("the Environment Server is not running")

// Error is the error of a handler, with its text.
type Error struct{ Text string }

// Error implements error.
func (e *Error) Error() string { return e.Text }

// callTimeout bounds a call whose context has no deadline.
const callTimeout = 30 * time.Second

// Call sends a request to the agent behind the socket at path: method and what name the handler, in
// is sent as JSON and the answer is decoded into out; either may be nil. The error is
// [ErrNotRunning] if there is no agent, and an [*Error] if the handler failed. Without a deadline
// in ctx a call takes at most 30 s.
func Call(ctx context.Context, path, method, what string, in, out any) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("asking the Environment Server for %s: %w", what, err)
		}
	}
	defer clear(body) // it may be a password
	req, err := http.NewRequestWithContext(ctx, method, "http://agent/"+what, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return ErrNotRunning
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("asking the Environment Server at %q: %w", path, os.ErrPermission)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("asking the Environment Server for %s: it does not answer; its log may say why", what)
	case err != nil:
		return fmt.Errorf("asking the Environment Server at %q: %w", path, err)
	}
	defer res.Body.Close()
	return read(res, what, out)
}

func read(res *http.Response, what string, out any) error {
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusUnprocessableEntity:
		var f failure
		if err := json.NewDecoder(res.Body).Decode(&f); err != nil {
			return fmt.Errorf("reading the Environment Server's answer: %w", err)
		}
		return &Error{Text: f.Error}
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("asking the Environment Server for %s: the one that runs does not know that; restart it if it was updated", what)
	default:
		return fmt.Errorf("asking the Environment Server for %s: it answered %s", what, res.Status)
	}
	if out == nil {
		_, err := io.Copy(io.Discard, res.Body)
		return err
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the Environment Server's answer: %w", err)
	}
	return nil
}
