package agent

import (
	"encoding/json"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

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
	// Ended is how often the service ended here though nobody asked for it, since the agent has started; LastEnd
	// says why it did the last time, EndMS how long ago.
	Ended   int    `json:"ended,omitempty"`
	LastEnd string `json:"last_end,omitempty"`
	EndMS   int64  `json:"end_ms,omitempty"`
}

// serviceStatus is nil for an order that runs no service.
func (a *Agent) serviceStatus(o *order.Order) *ServiceStatus {
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
	end := a.ends.of(o.ServiceID())
	return &ServiceStatus{
		Ended: end.count, LastEnd: end.why, EndMS: since(end.at),
		Name: o.ServiceName(), State: n.State.State, SinceMS: since(n.State.Since), Metric: n.State.Metric, HeartbeatMS: since(n.State.Beat),
		EventMS: since(n.Last), Events: n.Events, Waiting: n.Waiting, Ignored: n.State.Ignored, Dropped: n.State.Dropped + n.Unsent, Lost: n.State.Lost,
	}
}

// ends remembers how services ended, for people who ask why one was started again. Its zero value is ready
// for use.
type ends struct {
	mu sync.Mutex
	by map[int64]end // by the service's id
}

type end struct {
	count int
	why   string
	at    time.Time
}

// maxEnds bounds how many services are remembered; the oldest goes.
const maxEnds = 1024

func (e *ends) of(service int64) end {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.by[service]
}

// note remembers the end of a service that nobody had asked for.
func (e *ends) note(o *order.Order) {
	r, ended := o.Result()
	if !o.IsService() || !ended || r.Returned || r.Outcome == wire.Cancelled {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by == nil {
		e.by = map[int64]end{}
	}
	if len(e.by) >= maxEnds {
		var oldest int64
		for id, x := range e.by {
			if oldest == 0 || x.at.Before(e.by[oldest].at) {
				oldest = id
			}
		}
		delete(e.by, oldest)
	}
	x := e.by[o.ServiceID()]
	why := string(r.Outcome)
	if r.Error != "" {
		why = r.Error
	}
	if r.Message != "" {
		why += ": " + r.Message
	}
	e.by[o.ServiceID()] = end{x.count + 1, why, time.Now()}
}
