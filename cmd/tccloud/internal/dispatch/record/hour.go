package record

import (
	"time"

	"tcenvsvr/agent/link/wire"
)

// Hour counts what happened to an Environment's executions within an hour.
type Hour struct {
	Created  int `json:"c,omitempty"`
	Messages int `json:"m,omitempty"` // given to a server; an execution counts once, at its last attempt
	Ended    int `json:"e,omitempty"`
	Failed   int `json:"f,omitempty"` // of Ended, otherwise than succeeded or partial
	Answered int `json:"a,omitempty"` // of Messages, by the server
	// QueueWait is the sum over Messages, from queued to delivered, and RoundTrip that over Answered,
	// from delivered to the agent's answer that it has the order.
	QueueWait time.Duration `json:"w,omitempty"`
	RoundTrip time.Duration `json:"r,omitempty"`
}

// Add adds o to h.
func (h *Hour) Add(o Hour) {
	h.Created += o.Created
	h.Messages += o.Messages
	h.Ended += o.Ended
	h.Failed += o.Failed
	h.Answered += o.Answered
	h.QueueWait += o.QueueWait
	h.RoundTrip += o.RoundTrip
}

// HourOf is the hour of a time, both since 1970.
func HourOf(t time.Time) int { return int(t.Unix() / 3600) }

// QueueWait is how long the attempt waited for a server; false: it waits still, or a clock was set
// meanwhile.
func (e *Execution) QueueWait() (time.Duration, bool) {
	w := e.Delivered.Sub(e.Queued)
	return w, !e.Delivered.IsZero() && w >= 0 && (e.StartWithin == 0 || w <= e.StartWithin)
}

// RoundTrip is how long the attempt took to its server and back, until the server said that it has the
// order; false: it has not said so, or a clock was set meanwhile.
func (e *Execution) RoundTrip() (time.Duration, bool) {
	trip := e.Accepted.Sub(e.Delivered)
	return trip, !e.Accepted.IsZero() && trip >= 0 && trip < time.Hour
}

// Hours calls add with what the execution counts for in each hour.
func (e *Execution) Hours(add func(hour int, h Hour)) {
	add(HourOf(e.Created), Hour{Created: 1})
	if w, ok := e.QueueWait(); ok {
		h := Hour{Messages: 1, QueueWait: w}
		if trip, ok := e.RoundTrip(); ok {
			h.Answered, h.RoundTrip = 1, trip
		}
		add(HourOf(e.Delivered), h)
	}
	if e.Terminal() {
		h := Hour{Ended: 1, Failed: 1}
		if o := e.Outcome(); o == wire.Succeeded || o == wire.Partial {
			h.Failed = 0
		}
		add(HourOf(e.Ended), h)
	}
}
