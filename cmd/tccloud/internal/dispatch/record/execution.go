package record

import (
	"time"

	"tcenvsvr/agent/link/wire"
)

// Execution is what the cloud knows about one order, without its secrets. Times are the cloud's own
// clock in UTC, to the millisecond.
type Execution struct {
	ID           wire.OrderID `json:"id"`
	Environment  string       `json:"environment"`
	App          wire.AppRef  `json:"app"`
	Runtime      wire.Runtime `json:"runtime"`
	KVContext    string       `json:"kv_context,omitempty"` // the key-value context of a Playbook App
	OutVariables []string     `json:"out_variables,omitempty"`
	// Service is what a service App is told of itself; nil for others.
	Service     *wire.ServiceSpec `json:"service,omitempty"`
	ParamNames  []string          `json:"param_names,omitempty"` // sorted; the values are secret and go with the end
	Timeout     time.Duration     `json:"timeout_ns"`            // 0 = none, of a service
	StartWithin time.Duration     `json:"start_within_ns"`       // rejected if not delivered so long after Created
	Priority    int               `json:"priority"`              // 0 (last)–9 (first)
	Retryable   bool              `json:"retryable"`
	Limits      wire.Limits       `json:"limits,omitzero"`
	// Signature is that of the operator who submitted the order (package link/signed), "" without one.
	Signature string `json:"signature,omitempty"`
	// SealedTo are the ids of the keys each of which opens all sealed parameters (package
	// secret/envelope), none if no parameter is sealed. Only a server with one of them gets the order.
	SealedTo []string `json:"sealed_to,omitempty"`
	// Only is the one server that may take the order; "" = any of the Environment.
	Only wire.ServerXID `json:"only,omitempty"`

	// State is where the order is; after the end it is the outcome's name.
	State   wire.State   `json:"state"`
	Attempt wire.Attempt `json:"attempt"` // the fence: raised whenever the order is queued again
	// Lost counts the attempts that were interrupted: nobody knows what became of them. MaxAttempts
	// bounds them; an attempt that certainly was not started does not count.
	Lost int `json:"lost,omitempty"`
	// Returned counts how often servers gave the order back.
	Returned int `json:"returned,omitempty"`
	// Server, Epoch and Journal are the session that the attempt was given to; empty while queued.
	Server  wire.ServerXID `json:"server,omitempty"`
	Epoch   int64          `json:"epoch,omitempty"`
	Journal string         `json:"journal,omitempty"` // the agent's, as its hello named it
	// Hold: the agent waits for Start. Granted: it was allowed to start.
	Hold    bool `json:"hold,omitempty"`
	Granted bool `json:"granted,omitempty"`

	Created   time.Time `json:"created"`
	Queued    time.Time `json:"queued"`             // of this attempt
	Delivered time.Time `json:"delivered,omitzero"` // to Server
	Accepted  time.Time `json:"accepted,omitzero"`  // in the agent's journal
	Started   time.Time `json:"started,omitzero"`   // the App runs
	Ended     time.Time `json:"ended,omitzero"`     // terminal
	Cancel    time.Time `json:"cancel_at,omitzero"` // when somebody asked to cancel
	CancelWhy string    `json:"cancel_why,omitempty"`

	// Result is what the agent reported, nil where the cloud ended the order.
	Result *wire.Result `json:"result,omitempty"`
	// Reason says in words why the cloud ended or moved the order.
	Reason string `json:"reason,omitempty"`
	// History are the attempts before this one.
	History []Past `json:"history,omitempty"`
}

// Past is one attempt that did not lead to the end.
type Past struct {
	Attempt wire.Attempt   `json:"attempt"`
	Server  wire.ServerXID `json:"server,omitempty"`
	State   wire.State     `json:"state"` // reached
	Ended   time.Time      `json:"ended"`
	Reason  string         `json:"reason"`
}

// Bytes is about how much the execution takes in an answer: a result may have megabytes.
func (e *Execution) Bytes() int {
	n := 1000 + len(e.Reason) + len(e.Signature)
	for _, list := range [][]string{e.ParamNames, e.OutVariables, e.SealedTo} {
		for _, s := range list {
			n += len(s) + 3
		}
	}
	for _, p := range e.History {
		n += 150 + len(p.Reason)
	}
	if e.Result == nil {
		return n
	}
	n += len(e.Result.Message) + len(e.Result.Error)
	for name, value := range e.Result.Results {
		n += len(name) + len(value) + 6
	}
	return n + 200*len(e.Result.Files)
}

// Terminal reports whether the order has ended.
func (e *Execution) Terminal() bool { return wire.Outcome(e.State).Valid() }

// Outcome is how the order ended, "" before.
func (e *Execution) Outcome() wire.Outcome {
	if e.Terminal() {
		return wire.Outcome(e.State)
	}
	return ""
}

// Ref names the current attempt.
func (e *Execution) Ref() wire.Ref { return wire.Ref{Order: e.ID, Attempt: e.Attempt} }

const (
	// freeReturns is how often an order may be given back before it has to wait.
	freeReturns = 3
	// mostDelay is the longest that it has to wait.
	mostDelay = 30 * time.Second
)

// Delay is how long a queued order must not be delivered yet. Without it, an order that every
// server gives back, because its App needs something that none of them has, would keep all servers
// from other orders.
func (e *Execution) Delay(now time.Time) time.Duration {
	n := e.Returned - freeReturns
	if n <= 0 || e.State != wire.StateQueued {
		return 0
	}
	most := min(time.Second<<min(n, 20), mostDelay)
	return min(most, most-now.Sub(e.Queued))
}
