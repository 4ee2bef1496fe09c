package record

import (
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Filter selects executions; empty fields select all.
type Filter struct {
	Environment string
	Within      []string   // the Environments that exist for who asks; nil = all
	State       wire.State // or Active or Ended
	App         string     // its name
	Version     string     // of App
	Server      wire.ServerXID
	Since       time.Time // created then or later
	Until       time.Time // created before
	// Text is part of the id, the App's name, the message or a reason, in upper or lower case.
	// Jobs are those of which the runs match it as well.
	Text string
	Jobs []wire.JobID
}

// States that stand for several ones in a Filter.
const (
	Active wire.State = "active" // has not ended
	Ended  wire.State = "ended"
)

// Matches reports whether the filter selects the execution.
func (f *Filter) Matches(e *Execution) bool {
	return f.In(e.Environment) && f.state(e) &&
		(f.App == "" || f.App == e.App.Name) && (f.Version == "" || f.Version == e.App.Version) &&
		(f.Server == "" || f.Server == e.Server) &&
		(f.Since.IsZero() || !e.Created.Before(f.Since)) && (f.Until.IsZero() || e.Created.Before(f.Until)) && f.text(e)
}

// In reports whether the filter may select executions of an Environment.
func (f *Filter) In(environment string) bool {
	return (f.Environment == "" || f.Environment == environment) && (f.Within == nil || slices.Contains(f.Within, environment))
}

func (f *Filter) state(e *Execution) bool {
	switch f.State {
	case "":
		return true
	case Active:
		return !e.Terminal()
	case Ended:
		return e.Terminal()
	}
	return f.State == e.State
}

func (f *Filter) text(e *Execution) bool {
	if job := e.ID.Job(); f.Text == "" || job != "" && slices.Contains(f.Jobs, job) {
		return true
	}
	want := strings.ToLower(f.Text)
	in := func(s string) bool { return strings.Contains(strings.ToLower(s), want) }
	return in(string(e.ID)) || in(e.App.Name) || in(e.Reason) || in(e.CancelWhy) ||
		e.Result != nil && (in(e.Result.Message) || in(e.Result.Error))
}
