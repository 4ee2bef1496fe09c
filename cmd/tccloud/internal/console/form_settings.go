package console

import (
	"slices"
	"strconv"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/console/form"
)

// Settings that several forms ask for.

// places are where Apps can run.
type places struct{ environments, servers []form.Option }

// places finds the Environments that are active, and servers that were not revoked.
func (q *request) places() (places, error) {
	var p places
	environments, err := q.cloud.Environments(q.Context())
	if err != nil {
		return p, err
	}
	for _, e := range environments {
		if e.Active {
			p.environments = append(p.environments, form.Options(e.Name)...)
		}
	}
	servers, err := q.cloud.Servers(q.Context(), "")
	for _, s := range servers {
		if s.Revoked == nil {
			p.servers = append(p.servers, form.Option{Value: string(s.XID), Label: s.Environment + ": " + s.Name})
		}
	}
	return p, err
}

// environment asks for one. The one that is chosen can be kept while it is not active.
func (p places) environment(chosen string) form.Field {
	if chosen == "" && len(p.environments) == 1 {
		chosen = p.environments[0].Value
	}
	f := form.Field{Name: "environment", Kind: form.Choice, Label: "Environment", Required: true, Value: chosen, Options: p.environments, Says: []string{`environment "`}}
	switch {
	case chosen == "":
		f.Options = slices.Insert(slices.Clone(f.Options), 0, form.Option{Label: "Choose one"})
	case !slices.ContainsFunc(f.Options, func(o form.Option) bool { return o.Value == chosen }):
		f.Options = append(slices.Clone(f.Options), form.Options(chosen)...)
	}
	if len(p.environments) == 0 {
		f.Note = "No Environment is active. An administrator creates or activates one first."
	}
	return f
}

// server asks for the one that may run an App.
func (p places) server(chosen wire.ServerXID) form.Field {
	return form.Field{
		Name: "server", Kind: form.Choice, Label: "Server", Unit: "the only one that may run it", Value: string(chosen),
		Options: slices.Insert(slices.Clone(p.servers), 0, form.Option{Label: "Any of the Environment"}), Says: []string{"server "},
	}
}

const (
	maxTimeout      = 7 * 24 * time.Hour
	defaultPriority = 5
)

func timeoutField(ms int64) form.Field {
	return form.Field{
		Name: "timeout", Kind: form.Duration, Label: "Timeout", Unit: "such as 90s, 30m or 2h; empty: the App's", Min: 1, Max: int64(maxTimeout / time.Second),
		Value: form.DurationText(time.Duration(ms) * time.Millisecond), Says: []string{"timeout"},
	}
}

func priorityField(n *int) form.Field {
	if n == nil {
		n = new(defaultPriority)
	}
	return form.Field{Name: "priority", Kind: form.Number, Label: "Priority", Unit: "9: first, 0: last", Max: 9, Value: strconv.Itoa(*n), Says: []string{"priority"}}
}

func priorityIn(f *form.Form) int {
	if f.Value("priority") == "" {
		return defaultPriority
	}
	return int(f.Number("priority"))
}

// limitFields ask for what an App may take. Nothing is what the server's settings say.
func limitFields(l wire.Limits) []form.Field {
	field := func(name, label, unit string, n, least, most int64) form.Field {
		return form.Field{Name: name, Kind: form.Number, Label: label, Unit: unit, Min: least, Max: most, Value: form.NumberText(n), Says: []string{name}}
	}
	return []form.Field{
		field("memory_mb", "Memory", "MiB; empty: what the server allows", l.MemoryMB, wire.MinMemoryMB, wire.MaxMemoryMB),
		field("tasks", "Processes and threads", "empty: what the server allows", l.Tasks, wire.MinTasks, wire.MaxTasks),
		field("cpu_weight", "Share of the CPU", "against other Apps; 100 is usual", l.CPUWeight, 1, wire.MaxCPUWeight),
	}
}

func limitsIn(f *form.Form) wire.Limits {
	return wire.Limits{MemoryMB: f.Number("memory_mb"), Tasks: f.Number("tasks"), CPUWeight: f.Number("cpu_weight")}
}

// nameField asks for the name of something new.
func nameField(value string) form.Field {
	return form.Field{Name: "name", Kind: form.Text, Label: "Name", Required: true, Value: value, Note: "Letters, digits, - and _.", Says: []string{`name "`, "of that name"}}
}
