package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/pace"
)

// keepAlive is how often an empty line is sent in a stream: proxies end silent connections, and
// clients have to notice dead ones.
const keepAlive = 15 * time.Second

// lines writes a stream of lines. It is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	out *pace.Writer
	enc *json.Encoder

	alive *time.Timer
	ended bool // the answer must not be written to any more
}

// streamContext is the context of a stream: it ends when the client goes away or is signed out, or the
// cloud stops.
func (a *API) streamContext(r *http.Request) (context.Context, func()) {
	p, _ := access.From(r.Context())
	held, stop := a.Users.Hold(r.Context(), p)
	ctx, cancel := context.WithCancel(held)
	undo := a.onStop(cancel)
	return ctx, func() { undo(); cancel(); stop() }
}

// startStream sends the header and keeps the connection alive until stop is called. A timer does
// that and no goroutine: most streams end at once.
func startStream(w http.ResponseWriter) (l *lines, stop func()) {
	out := pace.NewWriter(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	l = &lines{out: out, enc: json.NewEncoder(out)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive = time.AfterFunc(keepAlive, func() {
		if l.write(v1.Line{}) == nil {
			l.again()
		}
	})
	return l, func() {
		l.mu.Lock() // a keep-alive line that is being written is the last one
		defer l.mu.Unlock()
		l.ended = true
		l.alive.Stop()
		out.End()
	}
}

// again has the next keep-alive line sent.
func (l *lines) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.alive.Reset(keepAlive)
	}
}

func (l *lines) write(v v1.Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return io.ErrClosedPipe
	}
	if err := l.enc.Encode(v); err != nil {
		return err
	}
	return l.out.Flush()
}

// fail writes an error as the last line.
func (l *lines) fail(err error) {
	f := describe(err)
	_ = l.write(v1.Line{Error: f}) // a client that left does not read it
}

func (a *API) watch(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.streamContext(r)
	defer cancel()
	l, stop := startStream(w)
	defer stop()
	// An error ends the stream early: whoever asks again is told why.
	_ = a.Dispatcher.Watch(ctx, e.ID, func(e dispatch.Execution) bool {
		shown := a.show(r.Context(), e)
		return l.write(v1.Line{Execution: &shown}) == nil
	})
	return nil
}

func (a *API) logs(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	f := dispatch.LogFilter{Stream: wire.Stream(query.Get("stream")), Follow: flag(r, "follow")}
	if s := query.Get("attempt"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > int(e.Attempt) {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "attempt %.20q is outside 1–%d", s, e.Attempt)
		}
		f.Attempt = wire.Attempt(n)
	}
	switch f.Stream {
	case v1.StreamAPI:
		return a.appLog(w, r, e)
	case "", wire.Stdout, wire.Stderr, wire.AppLog:
	default:
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "stream %.20q: want stdout, stderr, app or api", string(f.Stream))
	}
	ctx, cancel := a.streamContext(r)
	defer cancel()
	l, stop := startStream(w)
	defer stop()
	for c, err := range a.Dispatcher.Logs(ctx, e.ID, f) {
		if ctx.Err() != nil {
			return nil // if the cloud stops, the client asks again
		}
		if err != nil {
			a.Logger.Warn("log not sent to its end", "order", e.ID, "err", err)
			l.fail(err)
			return nil
		}
		if l.write(v1.Line{Chunk: &v1.Chunk{Attempt: c.Attempt, Stream: c.Stream, Offset: c.Offset, Data: c.Data}}) != nil {
			return nil
		}
	}
	return nil
}

// appLog sends the log that the App sent over the API.
func (a *API) appLog(w http.ResponseWriter, r *http.Request, e dispatch.Execution) error {
	entries, err := a.AppStore.Log(r.Context(), e.ID)
	if err != nil {
		return err
	}
	l, stop := startStream(w)
	defer stop()
	var offset int64
	for _, entry := range entries {
		line := []byte(appstore.Line(entry))
		if l.write(v1.Line{Chunk: &v1.Chunk{Attempt: e.Attempt, Stream: v1.StreamAPI, Offset: offset, Data: line}}) != nil {
			return nil
		}
		offset += int64(len(line))
	}
	return nil
}
