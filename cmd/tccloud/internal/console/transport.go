package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
)

// transport asks the admin API in this process: what the console can do is what the API lets the
// principal in the request's context do.
type transport struct {
	api http.Handler
	log *slog.Logger
}

// browser is where a request came from: its connection's deadlines are extended by transfers, and
// the audit log has its address.
type browser struct {
	w    http.ResponseWriter
	addr string
}

type browserKey struct{}

func withBrowser(ctx context.Context, w http.ResponseWriter, addr string) context.Context {
	return context.WithValue(ctx, browserKey{}, browser{w, addr})
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	body, out := io.Pipe()
	a := &answer{header: http.Header{}, body: out, ready: make(chan struct{})}
	from, _ := ctx.Value(browserKey{}).(browser)
	a.browser = from.w
	in := r.Clone(ctx)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), from.addr
	if in.Body == nil {
		in.Body = http.NoBody
	}
	go func() {
		defer cancel()
		defer in.Body.Close()
		t.serve(a, in)
	}()
	select {
	case <-a.ready:
	case <-ctx.Done():
		_ = body.CloseWithError(ctx.Err())
		select {
		case <-a.ready: // the handler answered with the last breath
		default:
			return nil, context.Cause(ctx)
		}
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: received{body, cancel}, ContentLength: -1, Request: r,
	}, nil
}

// serve runs the handler. What it panics with breaks this answer, as it would break a connection.
func (t transport) serve(a *answer, r *http.Request) {
	defer func() {
		switch p := recover(); {
		case p == nil:
			a.WriteHeader(http.StatusOK)
			_ = a.body.Close()
			return
		case p != http.ErrAbortHandler: //nolint:errorlint // it is a value of panic
			t.log.Error("request of the console broke the admin API", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
		}
		a.WriteHeader(http.StatusInternalServerError)
		_ = a.body.CloseWithError(io.ErrUnexpectedEOF)
	}()
	t.api.ServeHTTP(a, r)
}

// received is an answer's body. Who closes it ends the handler.
type received struct {
	*io.PipeReader
	end context.CancelFunc
}

func (b received) Close() error {
	b.end()
	return b.PipeReader.Close()
}

// answer is what the handler writes.
type answer struct {
	browser http.ResponseWriter // nil: none
	header  http.Header
	body    *io.PipeWriter

	once   sync.Once
	ready  chan struct{} // closed when the header is complete
	status int
	sent   http.Header
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if status < http.StatusOK { // nobody waits for a 1xx
		return
	}
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.ready)
	})
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// FlushError implements what http.ResponseController looks for; a pipe keeps nothing back.
func (a *answer) FlushError() error { return nil }

// Unwrap leads http.ResponseController to the browser's connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.browser }
