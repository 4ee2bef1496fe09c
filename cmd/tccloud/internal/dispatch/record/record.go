package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Errors of transitions.
var (
	// ErrStale means that the record has changed: it is at another attempt, at another server, or
	// has ended. What was to be recorded is no longer true.
	ErrStale = errors.New("the record has moved on")
	// ErrUnchanged means that there is nothing to write.
	ErrUnchanged = errors.New("nothing to change")
)

// Inputs are the secret part of an order. Where the parameters are too large for a record, Params
// is nil and Object names an object of package params.
type Inputs struct {
	Params   map[string]string `json:"params,omitempty"`
	Defaults map[string]string `json:"defaults,omitempty"`
	Object   string            `json:"object,omitempty"`
	ByHTTPS  bool              `json:"by_https,omitempty"` // too large for a frame as well
}

// Record is what is stored.
type Record struct {
	Execution
	Inputs *Inputs `json:"inputs,omitempty"` // nil once the order has ended
}

// Encode returns the stored form.
func (r *Record) Encode() ([]byte, error) { return json.Marshal(r) }

// Decode reads the stored form.
func Decode(data []byte) (*Record, error) {
	r := new(Record)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("decoding execution: %w", err)
	}
	return r, nil
}

// Clone returns a copy that transitions may change without changing the original: they replace what
// a record points to and never write into it.
func (r *Record) Clone() *Record {
	c := *r
	c.History = slices.Clip(r.History)
	return &c
}

// Is reports whether ref is the current attempt, is with server and has not ended.
func (r *Record) Is(ref wire.Ref, server wire.ServerXID) bool {
	return r.Attempt == ref.Attempt && r.Server == server && r.State != wire.StateQueued && !r.Terminal()
}

// Held reports whether the agent holds the order and was not allowed to start it: the App certainly
// has not been started.
func (r *Record) Held() bool {
	return r.Hold && !r.Granted && (r.State == wire.StateAccepted || r.State == wire.StatePreparing)
}

// Since is when the record came into its state.
func (r *Record) Since() time.Time {
	switch {
	case r.Terminal():
		return r.Ended
	case r.State == wire.StateQueued:
		return r.Queued
	case r.State == wire.StateRunning:
		return r.Started
	case r.State == wire.StateDelivered:
		return r.Delivered
	}
	return r.Accepted
}

// Stamp is t as it is stored.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
