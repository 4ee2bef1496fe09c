package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// serveExecutions answers below executions/.
func (f *fakeAPI) serveExecutions(w http.ResponseWriter, r *http.Request, name string) {
	query := r.URL.Query()
	if r.Method == http.MethodPost && name == "" {
		if f.refuses != nil {
			refuse(w, f.refuses.Status, f.refuses.Code, f.refuses.Message)
			return
		}
		var q v1.NewExecution
		_ = json.NewDecoder(r.Body).Decode(&q)
		f.ran = append(f.ran, q)
		send(w, v1.Execution{ID: q.ID})
		return
	}
	if name == "" {
		from, _ := strconv.Atoi(query.Get("cursor"))
		limit, _ := strconv.Atoi(query.Get("limit"))
		list := []v1.Execution{}
		for i, e := range f.executions[min(from, len(f.executions)):] {
			if len(list) == limit {
				w.Header().Set(v1.HeaderNext, strconv.Itoa(from+i))
				break
			}
			if s := query.Get("state"); s != "" && s != string(e.State) || !strings.Contains(e.App.Name, query.Get("q")) {
				continue
			}
			list = append(list, e)
		}
		send(w, list)
		return
	}
	id, below, _ := strings.Cut(name, "/")
	for _, e := range f.executions {
		if string(e.ID) != id {
			continue
		}
		switch {
		case below == "", below == "cancel":
			send(w, e)
		case below == "outputs":
			send(w, v1.Outputs{"#App:1:result!String": json.RawMessage(strconv.Quote("done")), "#App:1:raw!Binary": json.RawMessage(`{"a":1}`)})
		case below == "watch":
			f.stream(w, r, func() (any, bool) {
				for _, now := range f.executions {
					if now.ID == e.ID {
						return v1.Line{Execution: &now}, now.Ended
					}
				}
				return nil, true
			})
		case below == "logs":
			sent := 0
			f.stream(w, r, func() (any, bool) {
				if sent < len(f.log) {
					sent++
					return v1.Line{Chunk: &f.log[sent-1]}, false
				}
				return nil, query.Get("follow") != "true"
			})
		case strings.HasPrefix(below, "files/"):
			_, _ = w.Write([]byte(below))
		}
		return
	}
	refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no execution "+id)
}

// stream writes what next returns, as long as there is something new and the reader stays.
func (f *fakeAPI) stream(w http.ResponseWriter, r *http.Request, next func() (v any, over bool)) {
	last := ""
	for r.Context().Err() == nil {
		v, over := next()
		if text, _ := json.Marshal(v); v != nil && string(text) != last {
			last = string(text)
			_, _ = w.Write(append(text, '\n'))
			_ = http.NewResponseController(w).Flush()
			if !over {
				continue
			}
		}
		if over {
			return
		}
		f.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		f.mu.Lock()
	}
}

const (
	runningID = "0196a0b0-0000-7000-8000-000000000999"
	failedID  = "0196a0b0-0000-7000-8000-000000000998"
)

// executions are 120, of which the newest runs and the next has failed with all there is to show.
func someExecutions(now time.Time) []v1.Execution {
	outcomes := []wire.Outcome{wire.Succeeded, wire.Partial, wire.Cancelled, wire.TimedOut, wire.Interrupted, wire.Rejected}
	code := 0
	list := []v1.Execution{}
	for i := range 120 {
		at := now.Add(-time.Duration(i) * 7 * time.Minute)
		e := v1.Execution{
			ID: wire.OrderID(fmt.Sprintf("0196a0b0-0000-7000-8000-%012d", 999-i)), Environment: "lab", App: wire.AppRef{Name: "TCPB - Feed Import", Version: "1.4.0"},
			Runtime: wire.RuntimePlaybook, State: wire.State(outcomes[i%len(outcomes)]), Ended: true, Attempt: 1, ServerName: "scanner-1", Priority: 5, TimeoutMS: 600_000,
			Created: at, Delivered: at.Add(12 * time.Millisecond), Accepted: at.Add(30 * time.Millisecond), Started: at.Add(time.Second), EndedAt: at.Add(42 * time.Second),
			ExitCode: &code, Message: "42 indicators were imported.", Params: []string{"api_token", "source"},
		}
		list = append(list, e)
	}
	bad := 1
	list[0].State, list[0].Ended, list[0].EndedAt, list[0].ExitCode, list[0].Message = wire.StateRunning, false, time.Time{}, nil, ""
	e := &list[1]
	e.State, e.ExitCode, e.Message, e.Reason = wire.State(wire.Failed), &bad, hostile+"\nsecond line", hostile
	e.App.Name, e.ServerName, e.Attempt = hostile, hostile, 2
	e.Params = []string{hostile}
	e.Results = map[string]string{"count": "42", hostile: hostile}
	e.Files = []wire.File{{Name: "report/" + hostile + ".html", Size: 48123, SHA256: "ab"}, {Name: "lost.txt", Error: "it was too large"}}
	e.History = []v1.Past{{Attempt: 1, State: wire.StateRunning, Ended: now, Reason: hostile}}
	list[2].State, list[2].Ended = wire.StateQueued, false
	list[2].Waits = "for the one server that may take it: " + hostile
	return list
}

// someLog has 1500 lines of two streams, some of which look like errors.
func someLog() []v1.Chunk {
	var out, bad strings.Builder
	for i := range 1450 {
		fmt.Fprintf(&out, "2026-11-30 02:00:00 INFO reading page %d of the feed\n", i+1)
	}
	for i := range 50 {
		fmt.Fprintf(&bad, "\x1b[31mValueError: indicator %d is none: %s\x1b[0m\n", i+1, hostile)
	}
	return []v1.Chunk{
		{Attempt: 1, Stream: wire.Stdout, Data: []byte(out.String()[:20_010])}, {Attempt: 1, Stream: wire.Stderr, Data: []byte(bad.String())},
		{Attempt: 1, Stream: wire.Stdout, Offset: 20_010, Data: []byte(out.String()[20_010:])},
	}
}
