package console

import (
	"context"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/services"
)

func loadServices(q *request) (any, error) {
	list, err := q.cloud.Services(q.Context())
	return linesOf(list, serviceLine), err
}

func serviceRows(ctx context.Context, c *client.Client) (map[string]live.Row, error) {
	list, err := c.Services(ctx)
	return rowsOf(list, err, serviceLine)
}

func serviceOne(ctx context.Context, c *client.Client, name string) (live.Row, error) {
	s, err := c.Service(ctx, name)
	return rowOf(s, err, serviceLine)
}

func serviceLine(s v1.Service) line { return line{s.Name, serviceRow(s)} }

func serviceRow(s v1.Service) live.Row {
	row := live.Row{
		"name": s.Name, "href": at("services", s.Name), "app": s.App, "version": s.Version, "environment": s.Environment,
		"restarts": number(s.Restarts), "triggers": number(len(s.Triggers)), "waits": clip(s.Waits, 160),
	}
	row["state"], row["words"] = serviceState(s)
	return row
}

// serviceState returns a colour, and what it means in words.
func serviceState(s v1.Service) (state, words string) {
	switch s.Phase {
	case services.Stopped:
		return "grey", "Stopped"
	case services.Stopping:
		return "yellow", "Stopping"
	case services.Ready:
		return "green", "Ready"
	case services.Upgrading:
		return "green", "Ready, being replaced"
	case services.Waiting:
		return "red", "Ended, starts again soon"
	case services.Starting:
		if s.Live == nil {
			return "yellow", "Starting, no server has it yet"
		}
		return "yellow", "Starting, the App is " + string(s.Live.State)
	}
	return "yellow", string(s.Phase)
}

// serviceData is what the page of one service shows.
type serviceData struct {
	v1.Service
	Row      live.Row
	Watches  bool   // it takes triggers
	Server   string // its name, where the service is for one
	On       string // the name of the server that has it
	Triggers []triggerLine
	Ends     []endLine
	Events   []services.Event
}

// triggerLine is one trigger.
type triggerLine struct {
	v1.Trigger
	Colour, Words string
}

// endLine is the end of one instance.
type endLine struct {
	services.End
	State, Words string
}

// Title implements titled.
func (d serviceData) Title() string { return d.Name }

// serviceEvents are on the page of a service.
const serviceEvents = 50

func loadService(q *request) (any, error) {
	s, err := q.cloud.Service(q.Context(), q.PathValue("name"))
	if err != nil {
		return nil, err
	}
	d := serviceData{Service: s, Row: serviceRow(s), Server: q.serverName(s.Server)}
	d.Watches = (&services.Service{Runtime: s.Runtime}).HasTriggers()
	if s.Instance != nil {
		d.On = q.serverName(s.Instance.Server)
	}
	for _, t := range s.Triggers {
		line := triggerLine{t, "yellow", "Waits for the App"}
		switch t.State {
		case "active":
			line.Colour, line.Words = "green", "Active"
		case "refused":
			line.Colour, line.Words = "red", "Refused: "+t.Problem
		}
		d.Triggers = append(d.Triggers, line)
	}
	for _, e := range s.Ends {
		line := endLine{e, "red", e.Outcome}
		if e.Told {
			line.State, line.Words = "grey", e.Outcome+", was told to"
		}
		d.Ends = append(d.Ends, line)
	}
	if len(s.Triggers) > 0 {
		d.Events, err = q.cloud.ServiceEvents(q.Context(), s.Name, serviceEvents)
	}
	return d, err
}

// changeService says what was done with the service's name before it.
func changeService(q v1.ChangeService, say string) func(*request) (done, error) {
	return func(r *request) (done, error) {
		s, err := r.cloud.ChangeService(r.Context(), r.PathValue("name"), q)
		if err != nil {
			return done{}, err
		}
		return done{say: s.Name + " " + say, to: servicePath(s.Name)}, nil
	}
}
