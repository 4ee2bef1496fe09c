package agent

import (
	"cmp"
	"slices"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// Status is a snapshot of the agent, for "tcenvsvr status".
type Status struct {
	ServerXID  wire.ServerXID `json:"server_xid"`
	ServerName string         `json:"server_name"`
	Version    string         `json:"version"`
	UptimeMS   int64          `json:"uptime_ms"`
	Executors  int            `json:"executors"`
	Active     int            `json:"active"`
	Services   int            `json:"services"` // that may run here; those that do are in Orders
	// NoServices is why none can run on this system, "" where they can.
	NoServices string `json:"no_services,omitempty"`
	Draining   bool   `json:"draining"`
	// Unfit is why no orders are taken; nil while they are.
	Unfit *fitness.Problem `json:"unfit,omitempty"`
	// DamagedApps were found damaged since the start; the next order downloads them again.
	DamagedApps []app.Damage `json:"damaged_apps,omitempty"`
	// JournalDamage is what was wrong with the journal when the agent started, and has been mended.
	JournalDamage string `json:"journal_damage,omitempty"`
	// JournalLoss says that the whole journal was gone then, and what the folders of jobs tell.
	JournalLoss string        `json:"journal_loss,omitempty"`
	Outbox      int           `json:"outbox"`    // results not acknowledged
	Unclaimed   int           `json:"unclaimed"` // of these: results of which the cloud has no record
	Orders      []OrderStatus `json:"orders"`
}

// OrderStatus is one order in flight.
type OrderStatus struct {
	Ref     string     `json:"ref"`
	App     string     `json:"app"`
	Version string     `json:"version"`
	State   wire.State `json:"state"`
	ForMS   int64      `json:"for_ms"` // since it was received, or found again
	// Service is how the service that the order runs stands; nil if it is none.
	Service *ServiceStatus `json:"service,omitempty"`
}

// Status returns a snapshot.
func (a *Agent) Status() Status {
	var damages []app.Damage
	if a.Damages != nil {
		damages = a.Damages()
	}
	now := a.slots.load()
	s := Status{
		ServerXID: a.Identity.ServerXID, ServerName: a.Identity.ServerName, Version: a.Identity.Version,
		UptimeMS: time.Since(a.started).Milliseconds(), Executors: now.total, Active: now.occupied, Services: now.services.total, NoServices: job.NoServices,
		Draining: now.draining, Unfit: a.fitness.Problem(), DamagedApps: damages, JournalDamage: a.Journal.Damage(), JournalLoss: a.journalLoss(), Orders: []OrderStatus{},
	}
	a.slots.each(func(o *order.Order, occupies bool) {
		switch {
		case occupies:
			s.Orders = append(s.Orders, OrderStatus{
				Ref: o.Ref().String(), App: o.App().Name, Version: o.App().Version, State: o.State(), ForMS: o.Age().Milliseconds(),
				Service: a.serviceStatus(o),
			})
		case o.Unclaimed():
			s.Unclaimed++
			s.Outbox++
		default:
			s.Outbox++
		}
	})
	slices.SortFunc(s.Orders, func(x, y OrderStatus) int { return cmp.Compare(x.Ref, y.Ref) })
	return s
}
