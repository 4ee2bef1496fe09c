package templates

import (
	"cmp"
	"path/filepath"
	"slices"
	"time"
)

// Status is one App that has a template, or had one.
type Status struct {
	App     string `json:"app"` // with its major version
	Version string `json:"version"`
	State   string `json:"state"` // starting, ready or cold
	// Kilobytes is the memory that the template takes; Served counts the Apps that it started.
	Kilobytes int64 `json:"kilobytes,omitempty"`
	Served    int   `json:"served,omitempty"`
	// Reason says of state cold why.
	Reason string `json:"reason,omitempty"`
}

// Served counts the Apps that templates have started since the agent's start.
func (k *Keeper) Served() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.served
}

// Status lists the templates, and the Apps that would have one if they could.
func (k *Keeper) Status() []Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := []Status{}
	for _, a := range k.apps {
		s := Status{App: filepath.Base(filepath.Dir(a.program.App)), Version: a.program.Version}
		switch {
		case a.template != nil:
			s.State, s.Kilobytes, s.Served = "ready", a.template.kb, a.template.served
		case a.starting:
			s.State = "starting"
		case a.reason != "" && time.Since(a.used) < window:
			s.State, s.Reason = "cold", a.reason
		default:
			continue
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y Status) int {
		return cmp.Or(cmp.Compare(x.App, y.App), cmp.Compare(x.Version, y.Version))
	})
	return list
}
