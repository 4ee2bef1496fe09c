package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/live"
)

// executionData is what the page of one execution shows.
type executionData struct {
	v1.Execution
	Row     live.Row
	Outcome string // what it ended with, in a few words
	Wait    string
	Again   string // where it is run again
	Results []named
	Outputs []named
	Files   []fileLine
	Log     logPage
	// Follow is where the page's script goes on with the log; "" where nothing comes any more, or the
	// page shows another part of it.
	Follow string
}

// named is a text with a name.
type named struct{ Name, Text string }

// fileLine is a published file.
type fileLine struct {
	wire.File
	Href string
}

// Title implements titled.
func (d executionData) Title() string { return d.App.Name + " " + d.App.Version }

func loadExecution(q *request) (any, error) {
	e, err := q.cloud.Execution(q.Context(), wire.OrderID(q.PathValue("id")))
	if err != nil {
		return nil, err
	}
	d := executionData{Execution: e, Row: executionRow(e), Outcome: outcomeWords(e), Wait: waitWords(e)}
	d.Again = appPath(e.App.Name) + "/run?" + url.Values{"version": {e.App.Version}, "again": {string(e.ID)}}.Encode()
	for _, name := range slices.Sorted(maps.Keys(e.Results)) {
		d.Results = append(d.Results, named{name, e.Results[name]})
	}
	for _, f := range e.Files {
		d.Files = append(d.Files, fileLine{f, executionPath(e.ID) + "/files/" + escapePath(f.Name)})
	}
	if e.Ended {
		outputs, err := q.cloud.Outputs(q.Context(), e.ID)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(outputs)) {
			d.Outputs = append(d.Outputs, named{name, valueText(outputs[name])})
		}
	}
	d.Log = q.readLog(e)
	if !e.Ended && d.Log.Newest && d.Log.Stream == "" && d.Log.Attempt == e.Attempt {
		d.Follow = fmt.Sprintf("%s/follow?attempt=%d&after=%d", executionPath(e.ID), e.Attempt, d.Log.Total)
	}
	return d, nil
}

func executionPath(id wire.OrderID) string {
	return Prefix + "executions/" + url.PathEscape(string(id))
}

func appPath(name string) string { return Prefix + "apps/" + url.PathEscape(name) }

// escapePath escapes the parts of a path.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// valueText is a Playbook variable as people read it: a text is shown without its quotes.
func valueText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// outcomeWords says how the App ended.
func outcomeWords(e v1.Execution) string {
	switch {
	case e.Signal != "":
		return "by signal " + e.Signal
	case e.ExitCode != nil && e.Error == "":
		return fmt.Sprintf("exit code %d", *e.ExitCode)
	}
	return ""
}

// waitWords says how long an execution was queued.
func waitWords(e v1.Execution) string {
	switch {
	case e.Delivered.IsZero() && e.Ended:
		return ""
	case e.Delivered.IsZero():
		return duration(time.Since(e.Created))
	}
	return duration(e.Delivered.Sub(e.Created))
}

func cancelExecution(q *request) (done, error) {
	id := wire.OrderID(q.PathValue("id"))
	reason := cmp.Or(strings.TrimSpace(q.PostForm.Get("reason")), "by "+q.user.Name+" in the console")
	if _, err := q.cloud.Cancel(q.Context(), id, reason); err != nil {
		return done{}, err
	}
	return done{say: "The execution was asked to end.", to: "executions/" + url.PathEscape(string(id))}, nil
}

// sendFile answers with a published file.
func sendFile(q *request) error {
	name := q.PathValue("name")
	f, err := q.cloud.OpenFile(q.Context(), wire.OrderID(q.PathValue("id")), name)
	if err != nil {
		return err
	}
	f.Header.Set("Content-Disposition", attachment(path.Base(name)))
	return q.send(f)
}

// attachment has the browser keep a file under its name, whatever that is.
func attachment(name string) string {
	d := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if d == "" {
		return "attachment"
	}
	return d
}
