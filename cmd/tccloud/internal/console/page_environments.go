package console

import (
	"context"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
)

// environmentsData is what the page of all Environments shows.
type environmentsData struct {
	listed
	Start *start // what to do first; nil where all of that was done
}

// start are the three steps to the first App.
type start struct {
	First            string // Environment
	Server, App, Ran bool   // done
}

func loadEnvironments(q *request) (any, error) {
	list, err := q.cloud.Environments(q.Context())
	if err != nil {
		return nil, err
	}
	d := environmentsData{listed: linesOf(list, environmentLine)}
	servers, month := 0, 0
	for _, e := range list {
		servers += e.Servers
		month += e.Month
	}
	if month > 0 {
		return d, nil
	}
	apps, err := q.cloud.Apps(q.Context())
	if err != nil {
		return nil, err
	}
	d.Start = &start{Server: servers > 0, App: len(apps) > 0}
	if len(list) > 0 {
		d.Start.First = list[0].Name
	}
	return d, nil
}

func environmentRows(ctx context.Context, c *client.Client) (map[string]live.Row, error) {
	list, err := c.Environments(ctx)
	return rowsOf(list, err, environmentLine)
}

func environmentOne(ctx context.Context, c *client.Client, name string) (live.Row, error) {
	e, err := c.Environment(ctx, name)
	return rowOf(e, err, environmentLine)
}

func environmentLine(e v1.Environment) line { return line{e.Name, environmentRow(e)} }

func environmentRow(e v1.Environment) live.Row {
	row := live.Row{
		"name": e.Name, "owner": e.Owner, "href": Prefix + "environments/" + e.Name,
		"servers": number(e.Servers), "connected": number(e.Connected),
		"queued": number(e.Queued), "running": number(e.Running),
		"today": number(e.Today), "week": number(e.Week), "month": number(e.Month),
		"wait": duration(time.Duration(e.QueueWaitMS * float64(time.Millisecond))),
	}
	switch {
	case !e.Active:
		row["state"], row["words"] = "grey", "Inactive"
	case e.Connected == 0 && e.Servers == 0:
		row["state"], row["words"] = "yellow", "Active, no server yet"
	case e.Connected == 0:
		row["state"], row["words"] = "yellow", "Active, no server connected"
	default:
		row["state"], row["words"] = "green", "Active, "+count(e.Connected, "server")+" connected"
	}
	return row
}

func createEnvironment(q *request) (done, error) {
	e, err := q.cloud.CreateEnvironment(q.Context(), strings.TrimSpace(q.PostForm.Get("name")), strings.TrimSpace(q.PostForm.Get("owner")))
	if err != nil {
		return done{}, err
	}
	return done{say: "Environment " + e.Name + " was created. Download a bundle for its first server.", to: "environments/" + e.Name}, nil
}
