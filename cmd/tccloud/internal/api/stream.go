package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tccloud/internal/api/pace"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// alive is how often an answer that lasts shows that it does: proxies
// end silent connections, and a client wants to notice a dead one.
const alive = 15 * time.Second

// lines writes an answer of lines; it is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	out *pace.Writer
	enc *json.Encoder
}

// begin sends the header and keeps the connection awake until stop.
func begin(w http.ResponseWriter, r *http.Request) (l *lines, stop func()) {
	out := pace.NewWriter(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	l = &lines{out: out, enc: json.NewEncoder(out)}
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(alive)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if l.write(v1.Line{}) != nil {
					return
				}
			}
		}
	}()
	return l, func() {
		cancel()
		<-done
		out.End()
	}
}

func (l *lines) write(v v1.Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.enc.Encode(v); err != nil {
		return err
	}
	return l.out.Flush()
}

// fail is the last line of an answer that broke off.
func (l *lines) fail(err error) {
	f := describe(err)
	_ = l.write(v1.Line{Error: f}) // a client that left does not read it
}

func (a *API) watch(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	changes, err := a.Dispatcher.Watch(r.Context(), e.ID)
	if err != nil {
		return err
	}
	l, stop := begin(w, r)
	defer stop()
	for e := range changes {
		shown := a.show(e, nil)
		if l.write(v1.Line{Execution: &shown}) != nil {
			return nil
		}
	}
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
		return a.shipped(w, r, e)
	case "", wire.Stdout, wire.Stderr, wire.AppLog:
	default:
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "stream %.20q: want stdout, stderr, app or api", string(f.Stream))
	}
	l, stop := begin(w, r)
	defer stop()
	for c, err := range a.Dispatcher.Logs(r.Context(), e.ID, f) {
		if err != nil {
			if r.Context().Err() == nil && !errors.Is(err, context.Canceled) {
				a.Logger.Warn("log not sent to its end", "order", e.ID, "err", err)
			}
			l.fail(err)
			return nil
		}
		if l.write(v1.Line{Chunk: &v1.Chunk{Attempt: c.Attempt, Stream: c.Stream, Offset: c.Offset, Data: c.Data}}) != nil {
			return nil
		}
	}
	return nil
}

// shipped sends the log that the App posted itself.
func (a *API) shipped(w http.ResponseWriter, r *http.Request, e dispatch.Execution) error {
	entries, err := a.AppStore.Log(r.Context(), e.ID)
	if err != nil {
		return err
	}
	l, stop := begin(w, r)
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
