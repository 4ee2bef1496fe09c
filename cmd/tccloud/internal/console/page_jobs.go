package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// runLine is one run that has ended, or under way.
type runLine struct {
	jobs.Run
	State, Words string
}

func loadJobs(q *request) (any, error) {
	list, err := q.cloud.Jobs(q.Context())
	return linesOf(list, jobLine), err
}

func jobRows(ctx context.Context, c *client.Client) (map[string]live.Row, error) {
	list, err := c.Jobs(ctx)
	return rowsOf(list, err, jobLine)
}

func jobOne(ctx context.Context, c *client.Client, name string) (live.Row, error) {
	j, err := c.Job(ctx, name)
	return rowOf(j, err, jobLine)
}

func jobLine(j v1.Job) line { return line{j.Name, jobRow(j)} }

func jobRow(j v1.Job) live.Row {
	row := live.Row{
		"name": j.Name, "href": at("jobs", j.Name), "app": j.App, "version": j.Version, "environment": j.Environment,
		"schedule": cmp.Or(j.Schedule, "on demand"), "next": "", "last": "none yet", "ended": "",
	}
	row["state"], row["words"] = jobState(j)
	if !j.Next.IsZero() {
		row["next"] = stamp(j.Next)
	}
	if len(j.History) > 0 {
		last := j.History[0]
		row["last"] = lineOfRun(last).Words
		if !last.Ended.IsZero() {
			row["ended"] = stamp(last.Ended)
		}
	}
	return row
}

// jobState returns a colour, and what it means in words.
func jobState(j v1.Job) (state, words string) {
	failed := len(j.History) > 0 && j.History[0].Failed()
	switch {
	case j.Run != nil && !j.Run.Again.IsZero():
		return "yellow", fmt.Sprintf("Try %d failed, waits for the next", j.Run.Try)
	case j.Run != nil:
		return "green", "Running"
	case j.Takes == "":
		return "red", "There is no such version of the App"
	case j.Paused:
		return "grey", "Paused"
	case failed:
		return "red", "The last run failed"
	case j.Schedule == "":
		return "grey", "Runs on demand"
	}
	return "green", "Waits for its time"
}

func lineOfRun(r jobs.Run) runLine {
	switch {
	case r.Failed():
		return runLine{r, "red", r.Outcome}
	case r.Ended.IsZero():
		return runLine{r, "green", "running"}
	case r.Outcome == string(wire.Succeeded):
		return runLine{r, "green", r.Outcome}
	}
	return runLine{r, "grey", r.Outcome}
}

// jobData is what the page of one Job shows.
type jobData struct {
	v1.Job
	Row    live.Row
	Server string // its name, where the Job is for one
	Runs   []runLine
	Left   []leftValue
}

// leftValue is what runs left for the next one.
type leftValue struct{ Name, Value string }

// Title implements titled.
func (d jobData) Title() string { return d.Name }

func loadJob(q *request) (any, error) {
	j, err := q.cloud.Job(q.Context(), q.PathValue("name"))
	if err != nil {
		return nil, err
	}
	d := jobData{Job: j, Row: jobRow(j), Server: q.serverName(j.Server)}
	if j.Run != nil {
		d.Runs = append(d.Runs, lineOfRun(*j.Run))
	}
	for _, r := range j.History {
		d.Runs = append(d.Runs, lineOfRun(r))
	}
	for _, name := range slices.Sorted(maps.Keys(j.Left)) {
		d.Left = append(d.Left, leftValue{name, j.Left[name]})
	}
	return d, nil
}

// serverName is what a server is called, or its xid where that cannot be found out now.
func (q *request) serverName(xid wire.ServerXID) string {
	if xid == "" {
		return ""
	}
	s, err := q.cloud.Server(q.Context(), xid)
	if err != nil || s.Name == "" {
		return string(xid)
	}
	return s.Name
}

func jobPath(q *request) string { return "jobs/" + url.PathEscape(q.PathValue("name")) }

func runJob(q *request) (done, error) {
	id, err := q.cloud.StartJob(q.Context(), q.PathValue("name"))
	if err != nil {
		return done{}, err
	}
	return done{say: "A run of " + q.PathValue("name") + " begins: execution " + string(id) + ".", to: jobPath(q)}, nil
}

func setPaused(paused bool) func(*request) (done, error) {
	return func(q *request) (done, error) {
		j, err := q.cloud.ChangeJob(q.Context(), q.PathValue("name"), v1.ChangeJob{Paused: &paused})
		if err != nil {
			return done{}, err
		}
		say := j.Name + " is paused: it runs on demand only."
		if !paused {
			say = j.Name + " runs by its schedule again."
			if !j.Next.IsZero() {
				say = j.Name + " runs next at " + when(j.Next) + "."
			}
		}
		return done{say: say, to: jobPath(q)}, nil
	}
}

func removeJob(q *request) (done, error) {
	name := q.PathValue("name")
	if err := q.cloud.RemoveJob(q.Context(), name); err != nil {
		return done{}, err
	}
	return done{say: "Job " + name + " was removed, with what its runs left.", to: "jobs"}, nil
}
