package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/pace"
)

// followed is one line of what the page of an execution follows; one without any field shows that the
// connection is alive.
type followed struct {
	Line *logLine `json:"line,omitempty"`
	Row  live.Row `json:"row,omitempty"`
	// Over: nothing comes any more, and the page is to be loaded again.
	Over bool `json:"over,omitempty"`
}

// lookAgain is how often it is looked whether the session of who follows lasts.
const lookAgain = 5 * time.Second

// followExecution sends the lines of an attempt's log after one, and the states of the execution, as
// they come.
func followExecution(q *request) error {
	id := wire.OrderID(q.PathValue("id"))
	e, err := q.cloud.Execution(q.Context(), id)
	if err != nil {
		return err
	}
	attempt, after := e.Attempt, 0
	if n, err := strconv.Atoi(q.URL.Query().Get("attempt")); err == nil && n >= 0 {
		attempt = wire.Attempt(n)
	}
	if n, err := strconv.Atoi(q.URL.Query().Get("after")); err == nil {
		after = n
	}
	out := &lineWriter{out: pace.NewWriter(q.w)}
	defer out.out.End()
	h := q.w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Cache-Control", "no-store")
	ctx, stop := context.WithCancel(q.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	out.stop = stop
	out.write(followed{Row: executionRow(e)})
	lasts := q.console.session(q.Request)
	all.Go(func() {
		defer stop()
		for tick := time.NewTicker(lookAgain); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if !lasts() {
				return
			}
			out.write(followed{})
		}
	})
	if attempt > 0 && attempt <= e.Attempt {
		all.Go(func() { q.followLog(ctx, id, attempt, after, out) })
	}
	over := false
	for e, err := range q.cloud.Watch(ctx, id) {
		if err != nil {
			break
		}
		out.write(followed{Row: executionRow(e)})
		if over = e.Ended || e.Attempt != attempt; over {
			break
		}
	}
	if over && ctx.Err() == nil {
		out.write(followed{Over: true})
	}
	return nil
}

// followLog writes lines until the attempt has ended.
func (q *request) followLog(ctx context.Context, id wire.OrderID, attempt wire.Attempt, after int, out *lineWriter) {
	var lines lineReader
	for c, err := range q.cloud.Logs(ctx, id, client.LogQuery{Attempt: attempt, Follow: true}) {
		if err != nil {
			return // the page asks again
		}
		lines.take(c, func(l logLine) {
			if l.N > after {
				out.write(followed{Line: &l})
			}
		})
	}
}

// lineWriter writes what several goroutines have to say.
type lineWriter struct {
	mu   sync.Mutex
	out  *pace.Writer
	stop func() // all of them, when the browser has left
}

func (w *lineWriter) write(v followed) {
	data, err := json.Marshal(v)
	if err != nil {
		return // of texts and numbers there is no error
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err = w.out.Write(append(data, '\n')); err == nil {
		err = w.out.FlushError()
	}
	if err != nil {
		w.stop()
	}
}

// sendLog answers with the text of a log, as the App wrote it.
func sendLog(q *request) error {
	form := q.URL.Query()
	ask := client.LogQuery{Stream: wire.Stream(form.Get("stream"))}
	if n, err := strconv.Atoi(form.Get("attempt")); err == nil {
		ask.Attempt = wire.Attempt(n)
	}
	id := wire.OrderID(q.PathValue("id"))
	begun := false
	for c, err := range q.cloud.Logs(q.Context(), id, ask) {
		switch {
		case err != nil && !begun:
			return err
		case err != nil:
			panic(http.ErrAbortHandler) // it must not look complete
		}
		if !begun {
			q.logHeader(id)
			begun = true
		}
		if _, err := q.w.Write(c.Data); err != nil {
			return nil
		}
	}
	if !begun {
		q.logHeader(id)
	}
	return nil
}

func (q *request) logHeader(id wire.OrderID) {
	h := q.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", attachment(string(id)+".log"))
	h.Set("Cache-Control", "no-store")
}
