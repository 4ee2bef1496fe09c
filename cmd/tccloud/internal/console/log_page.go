package console

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// logPage is the part of a log that a page shows: its end, or what is around a line that was asked
// for by its number or by a text.
type logPage struct {
	Lines    []logLine
	Total    int
	Newest   bool // the log's end is shown
	Anchor   int  // the line that was asked for, 0 = none
	Errors   int  // lines that look like errors
	Matches  int  // lines that have the text
	Find     string
	Stream   wire.Stream
	Attempt  wire.Attempt
	Attempts []wire.Attempt
	Streams  []choice
	Problem  string // why not all was read

	First, Older, Newer, Last     string // queries; "" where there is nothing
	FirstError, NextError         string
	LastError, NextMatch, Restart string
	Raw                           string // query of the whole text
}

const (
	logLines  = 1000 // on a page
	logBefore = 100  // of them before the line that was asked for
	logTime   = 10 * time.Second
	longestQ  = 256
)

var logStreams = []choice{{"", "All streams"}, {"stdout", "Output"}, {"stderr", "Error output"}, {"app", "Log files"}, {"api", "Log over the API"}}

// readLog reads a log from its beginning and keeps what is shown. A log that cannot be read is said
// on the page, which shows all else.
func (q *request) readLog(e v1.Execution) logPage {
	form := q.URL.Query()
	p := logPage{Stream: wire.Stream(form.Get("stream")), Attempt: e.Attempt, Find: strings.TrimSpace(form.Get("find")), Streams: logStreams}
	p.Find = p.Find[:min(len(p.Find), longestQ)]
	if n, err := strconv.Atoi(form.Get("attempt")); err == nil && n > 0 && n < int(e.Attempt) {
		p.Attempt = wire.Attempt(n)
	}
	for a := wire.Attempt(1); a <= e.Attempt && a <= 50; a++ {
		p.Attempts = append(p.Attempts, a)
	}
	if e.Attempt == 0 || e.Accepted.IsZero() && len(e.History) == 0 && !e.Ended {
		p.Newest = true
		return p
	}
	w := newWindow(form, p.Find)
	ctx, cancel := context.WithTimeout(q.Context(), logTime)
	defer cancel()
	var lines lineReader
	for c, err := range q.cloud.Logs(ctx, e.ID, client.LogQuery{Stream: p.Stream, Attempt: p.Attempt}) {
		if err != nil {
			p.Problem = q.console.explain(err).Message
			break
		}
		lines.take(c, w.take)
	}
	if e.Ended || p.Attempt < e.Attempt {
		lines.end(w.take)
	}
	w.fill(&p)
	p.link(e.ID, w)
	return p
}

// window picks the lines of a page while a log goes by.
type window struct {
	line          int // asked for
	find          string
	after         int // the line that the text comes after
	before        []logLine
	lines         []logLine
	anchor, total int

	found, bad                              int
	firstBad, nextBad, lastBad, foundBehind int
}

func newWindow(form url.Values, find string) *window {
	number := func(name string) int {
		n, err := strconv.Atoi(form.Get(name))
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	return &window{line: number("line"), find: strings.ToLower(find), after: number("after")}
}

func (w *window) take(l logLine) {
	w.total = l.N
	match := w.find != "" && strings.Contains(strings.ToLower(l.Text), w.find)
	if match {
		w.found++
	}
	if l.Bad {
		w.bad++
		w.lastBad = l.N
		if w.firstBad == 0 {
			w.firstBad = l.N
		}
	}
	if w.anchor > 0 {
		if w.foundBehind == 0 && match {
			w.foundBehind = l.N
		}
		if w.nextBad == 0 && l.Bad {
			w.nextBad = l.N
		}
		if len(w.lines) < logLines {
			w.lines = append(w.lines, l)
		}
		return
	}
	w.before = append(w.before, l)
	switch {
	case w.line > 0 && l.N == w.line, w.line == 0 && l.N > w.after && match:
		w.anchor = l.N
		w.lines = append(make([]logLine, 0, logLines), w.before[max(0, len(w.before)-logBefore-1):]...)
		w.before = nil
	case len(w.before) >= 2*logLines:
		w.before = append(w.before[:0], w.before[len(w.before)-logLines:]...)
	}
}

func (w *window) fill(p *logPage) {
	if w.anchor == 0 {
		w.lines = w.before[max(0, len(w.before)-logLines):]
	}
	p.Lines, p.Total, p.Anchor, p.Errors, p.Matches = w.lines, w.total, w.anchor, w.bad, w.found
	p.Newest = w.line == 0 && w.find == ""
}

// link makes the links to other parts of the log.
func (p *logPage) link(id wire.OrderID, w *window) {
	to := func(set ...string) string {
		v := url.Values{}
		if p.Stream != "" {
			v.Set("stream", string(p.Stream))
		}
		if len(p.Attempts) > 1 {
			v.Set("attempt", strconv.Itoa(int(p.Attempt)))
		}
		fragment := "#log"
		for i := 0; i+1 < len(set); i += 2 {
			v.Set(set[i], set[i+1])
			if set[i] == "line" {
				fragment = "#L" + set[i+1]
			}
		}
		return executionPath(id) + "?" + v.Encode() + fragment
	}
	line := func(n int) string {
		if n == 0 {
			return ""
		}
		return to("line", strconv.Itoa(n))
	}
	p.Last = to()
	p.Raw = strings.Replace(to("raw", "1"), "?", "/log?", 1)
	p.Raw, _, _ = strings.Cut(p.Raw, "#")
	if len(p.Lines) > 0 {
		if first := p.Lines[0].N; first > 1 {
			p.First, p.Older = line(1), line(max(1, first-logLines+logBefore))
		}
		if last := p.Lines[len(p.Lines)-1].N; last < p.Total {
			p.Newer = line(last)
		}
	}
	p.FirstError, p.LastError, p.NextError = line(w.firstBad), line(w.lastBad), line(w.nextBad)
	if w.foundBehind > 0 {
		p.NextMatch = to("find", p.Find, "after", strconv.Itoa(p.Anchor))
	}
	if p.Find != "" && w.found > 0 && w.foundBehind == 0 {
		p.Restart = to("find", p.Find)
	}
}
