package agent

import (
	"cmp"
	"slices"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/wire"
)

// Status is a moment of the agent, for `tcenvsvr status`.
type Status struct {
	ServerXID  wire.ServerXID `json:"server_xid"`
	ServerName string         `json:"server_name"`
	Version    string         `json:"version"`
	UptimeMS   int64          `json:"uptime_ms"`
	Executors  int            `json:"executors"`
	Active     int            `json:"active"`
	Draining   bool           `json:"draining"`
	// Unfit is why no orders are taken, nil while they are.
	Unfit *fitness.Problem `json:"unfit,omitempty"`
	// DamagedApps were found damaged since the start; the next order downloads them again.
	DamagedApps []app.Damage `json:"damaged_apps,omitempty"`
	// JournalDamage is what was wrong with the journal at the agent's start and has been mended.
	JournalDamage string        `json:"journal_damage,omitempty"`
	Outbox        int           `json:"outbox"`    // results not acknowledged
	Unclaimed     int           `json:"unclaimed"` // of these: results of which the cloud has no record
	Orders        []OrderStatus `json:"orders"`
}

// OrderStatus is one order in flight.
type OrderStatus struct {
	Ref     string     `json:"ref"`
	App     string     `json:"app"`
	Version string     `json:"version"`
	State   wire.State `json:"state"`
	ForMS   int64      `json:"for_ms"` // since it was received, or found again
}

// Status returns a snapshot.
func (a *Agent) Status() Status {
	var damages []app.Damage
	if a.Damages != nil {
		damages = a.Damages()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := Status{
		ServerXID: a.Identity.ServerXID, ServerName: a.Identity.ServerName, Version: a.Identity.Version,
		UptimeMS: time.Since(a.started).Milliseconds(), Executors: a.limits.Executors, Active: a.active,
		Draining: a.draining, Unfit: a.fitness.Problem(), DamagedApps: damages, JournalDamage: a.Journal.Damage(), Orders: []OrderStatus{},
	}
	for ref, o := range a.orders {
		if !o.slot {
			s.Outbox++
			if o.unclaimed {
				s.Unclaimed++
			}
			continue
		}
		o.mu.Lock()
		state := o.state
		o.mu.Unlock()
		s.Orders = append(s.Orders, OrderStatus{
			Ref: ref.String(), App: o.spec.App.Name, Version: o.spec.App.Version,
			State: state, ForMS: time.Since(o.received).Milliseconds(),
		})
	}
	slices.SortFunc(s.Orders, func(x, y OrderStatus) int { return cmp.Compare(x.Ref, y.Ref) })
	return s
}
