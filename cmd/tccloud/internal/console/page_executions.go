package console

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
)

// executionsData is what the page of executions shows.
type executionsData struct {
	listed
	Filtered     bool   // not all executions are asked for
	Newest       bool   // the page begins with the newest
	Newer, Older string // queries of the pages beside this one, "" where there is none
	Environments []string
	Apps         []string
	Servers      []choice
	States       []choice
	Spans        []choice
}

// choice is an option of a form.
type choice struct{ Value, Words string }

const (
	executionsPage = 50  // executions on a page
	mostBack       = 40  // pages that one comes back over; the newest is always one step away
	followedOf     = 200 // newest executions whose rows are live
)

// states are what executions are filtered by.
var states = []choice{
	{"active", "Active: queued or running"}, {"ended", "Ended"}, {"queued", "Queued"}, {"delivered", "Delivered"}, {"accepted", "Accepted"},
	{"preparing", "Preparing"}, {"running", "Running"}, {"succeeded", "Succeeded"}, {"partial", "Partial"}, {"failed", "Failed"},
	{"cancelled", "Cancelled"}, {"timed_out", "Timed out"}, {"interrupted", "Interrupted"}, {"rejected", "Rejected"},
}

// spans are how long ago executions were created at most.
var spans = []choice{{"1h", "Last hour"}, {"24h", "Last 24 hours"}, {"168h", "Last 7 days"}, {"720h", "Last 30 days"}}

// filters are the fields of the page's form.
var filters = []string{"q", "state", "environment", "app", "server", "within", "since", "until"}

func loadExecutions(q *request) (any, error) {
	form := q.URL.Query()
	d := executionsData{States: states, Spans: spans}
	if err := d.choices(q, form); err != nil {
		return nil, err
	}
	ask, err := executionQuery(form, time.Now())
	if err != nil {
		return nil, err
	}
	list, next, err := q.cloud.Executions(q.Context(), ask)
	if err != nil {
		return nil, err
	}
	d.listed = linesOf(list, executionLine)
	d.Newest = ask.Cursor == ""
	d.turn(form, next)
	return d, nil
}

// choices fills the form with what there is, and with what was asked for and is gone.
func (d *executionsData) choices(q *request, form url.Values) error {
	environments, err := q.cloud.Environments(q.Context())
	if err != nil {
		return err
	}
	for _, e := range environments {
		d.Environments = append(d.Environments, e.Name)
	}
	apps, err := q.cloud.Apps(q.Context())
	if err != nil {
		return err
	}
	for _, a := range apps {
		d.Apps = append(d.Apps, a.Name)
	}
	d.Apps = slices.Compact(d.Apps)
	if app := form.Get("app"); app != "" && !slices.Contains(d.Apps, app) {
		d.Apps = append(d.Apps, app)
	}
	servers, err := q.cloud.Servers(q.Context(), form.Get("environment"))
	if err != nil {
		return err
	}
	for _, s := range servers {
		d.Servers = append(d.Servers, choice{string(s.XID), s.Name})
	}
	if xid := form.Get("server"); xid != "" && !slices.ContainsFunc(d.Servers, func(c choice) bool { return c.Value == xid }) {
		d.Servers = append(d.Servers, choice{xid, xid})
	}
	for _, name := range filters {
		d.Filtered = d.Filtered || form.Get(name) != ""
	}
	return nil
}

// executionQuery reads the page's query.
func executionQuery(form url.Values, now time.Time) (client.ExecutionQuery, error) {
	ask := client.ExecutionQuery{
		Environment: form.Get("environment"), State: wire.State(form.Get("state")), App: form.Get("app"), Server: form.Get("server"),
		Text: strings.TrimSpace(form.Get("q")), Cursor: form.Get("cursor"), Limit: executionsPage,
	}
	if s := form.Get("within"); s != "" {
		within, err := time.ParseDuration(s)
		if err != nil || within <= 0 {
			return ask, &invalid{"the time is not one of those that can be chosen"}
		}
		ask.Since = now.Add(-within)
	}
	for name, t := range map[string]*time.Time{"since": &ask.Since, "until": &ask.Until} {
		s := form.Get(name)
		if s == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			at, err = time.Parse("2006-01-02T15:04", s)
		}
		if err != nil {
			return ask, &invalid{"the time is written as 2026-11-30T08:00"}
		}
		*t = at
	}
	return ask, nil
}

// turn makes the queries of the pages beside this one. A list is continued by its cursor, towards
// older ones; the way back is the cursors that one came over.
func (d *executionsData) turn(form url.Values, next string) {
	here, back := form.Get("cursor"), slices.DeleteFunc(strings.Split(form.Get("back"), "~"), func(s string) bool { return s == "" })
	to := func(cursor string, back []string) string {
		v := url.Values{}
		for _, name := range filters {
			if form.Get(name) != "" {
				v.Set(name, form.Get(name))
			}
		}
		if cursor != "" {
			v.Set("cursor", cursor)
		}
		if len(back) > 0 {
			v.Set("back", strings.Join(back[max(0, len(back)-mostBack):], "~"))
		}
		return "?" + v.Encode()
	}
	if next != "" {
		way := back
		if here != "" {
			way = append(slices.Clone(back), here)
		}
		d.Older = to(next, way)
	}
	switch n := len(back); {
	case here == "":
	case n == 0:
		d.Newer = to("", nil)
	default:
		d.Newer = to(back[n-1], back[:n-1])
	}
}

// executionRows are those of the newest executions.
func executionRows(ctx context.Context, c *client.Client) (map[string]live.Row, error) {
	list, _, err := c.Executions(ctx, client.ExecutionQuery{Limit: followedOf})
	return rowsOf(list, err, executionLine)
}

func executionLine(e v1.Execution) line { return line{string(e.ID), executionRow(e)} }

func executionRow(e v1.Execution) live.Row {
	row := live.Row{
		"name": e.App.Name, "version": e.App.Version, "environment": e.Environment, "server": e.ServerName, "created": stamp(e.Created), "order": fmt.Sprintf("%015d", e.Created.UnixMilli()),
		"href": Prefix + "executions/" + url.PathEscape(string(e.ID)), "took": "", "message": oneLine(e.Message),
	}
	if e.Message == "" {
		row["message"] = oneLine(firstOf(e.Error, e.Reason, e.Waits))
	}
	if !e.Started.IsZero() && !e.EndedAt.IsZero() {
		row["took"] = duration(e.EndedAt.Sub(e.Started))
	}
	row["state"], row["words"] = executionState(e)
	return row
}

// executionState returns a colour, and what it means in words.
func executionState(e v1.Execution) (state, words string) {
	words = stateWords(e.State)
	switch outcome := wire.Outcome(e.State); {
	case outcome == wire.Succeeded:
		return "green", words
	case outcome == wire.Partial:
		return "yellow", words
	case outcome == wire.Cancelled:
		return "grey", words
	case outcome.Valid():
		return "red", words
	case e.State == wire.StateQueued:
		return "yellow", words
	}
	return "blue", words
}

func stateWords(s wire.State) string {
	for _, c := range states[2:] {
		if c.Value == string(s) {
			return c.Words
		}
	}
	return string(s)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// oneLine is the beginning of a text.
func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	return s
}
