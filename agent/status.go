package agent

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/host/fitness"
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
	Draining   bool           `json:"draining"`
	// Unfit is why no orders are taken; nil while they are.
	Unfit *fitness.Problem `json:"unfit,omitempty"`
	// DamagedApps were found damaged since the start; the next order downloads them again.
	DamagedApps []app.Damage `json:"damaged_apps,omitempty"`
	// JournalDamage is what was wrong with the journal when the agent started, and has been mended.
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
	// Service is how the service that the order runs stands; nil if it is none.
	Service *ServiceStatus `json:"service,omitempty"`
}

// ServiceStatus is one service that runs here.
type ServiceStatus struct {
	Name    string          `json:"name"`
	State   string          `json:"state,omitempty"` // unready, connected, ready or gone; "" before its shim has told
	SinceMS int64           `json:"since_ms,omitempty"`
	Metric  json.RawMessage `json:"metric,omitempty"` // of the last heartbeat
	// HeartbeatMS is the time since the App answered a heartbeat, EventMS since an event came; 0 if none has.
	HeartbeatMS int64 `json:"heartbeat_ms,omitempty"`
	EventMS     int64 `json:"event_ms,omitempty"`
	Events      int64 `json:"events"`            // that the cloud has
	Waiting     int64 `json:"waiting,omitempty"` // that it does not have yet
	Ignored     int64 `json:"ignored,omitempty"` // messages of the App without a meaning
	Dropped     int64 `json:"dropped,omitempty"` // messages for the App that it did not read
	Lost        int64 `json:"lost,omitempty"`    // events whose loss could not even be recorded
}

// serviceStatus is nil for an order that runs no service.
func serviceStatus(o *order.Order) *ServiceStatus {
	n, is := o.Service()
	if !is {
		return nil
	}
	since := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return max(1, time.Since(t).Milliseconds())
	}
	return &ServiceStatus{
		Name: o.ServiceName(), State: n.State.State, SinceMS: since(n.State.Since), Metric: n.State.Metric, HeartbeatMS: since(n.State.Beat),
		EventMS: since(n.Last), Events: n.Events, Waiting: n.Waiting, Ignored: n.State.Ignored, Dropped: n.State.Dropped + n.Unsent, Lost: n.State.Lost,
	}
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
		UptimeMS: time.Since(a.started).Milliseconds(), Executors: now.total, Active: now.occupied, Services: now.services.total,
		Draining: now.draining, Unfit: a.fitness.Problem(), DamagedApps: damages, JournalDamage: a.Journal.Damage(), Orders: []OrderStatus{},
	}
	a.slots.each(func(o *order.Order, occupies bool) {
		switch {
		case occupies:
			s.Orders = append(s.Orders, OrderStatus{
				Ref: o.Ref().String(), App: o.App().Name, Version: o.App().Version, State: o.State(), ForMS: o.Age().Milliseconds(),
				Service: serviceStatus(o),
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
