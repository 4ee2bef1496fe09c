package isolation

import (
	"encoding/json"
	"time"
)

// Start is what the init executes. It travels by a socket that only shim and init have: Env holds
// secrets.
type Start struct {
	Plan Plan     `json:"plan"`
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
	// Limits are for an init that is a program of its own; its caller knows what they mean.
	Limits json.RawMessage `json:"limits,omitempty"`
}

// Event is what the init tells the shim, one line of JSON each.
type Event struct {
	Started bool   `json:"started,omitempty"`
	At      int64  `json:"at,omitempty"` // of Started: when, in ns since 1970
	Ended   bool   `json:"ended,omitempty"`
	Code    int    `json:"code,omitempty"`   // of Ended: -1 if by a signal
	Signal  int    `json:"signal,omitempty"` // of Ended
	Left    bool   `json:"left,omitempty"`   // of Ended: something of the App's lives on
	Reaped  int    `json:"reaped,omitempty"` // of the last event: processes beside the App that ended after it
	Failed  int    `json:"failed,omitempty"` // the world could not be built: the number of the step, from 1
	Errno   int    `json:"errno,omitempty"`  // of Failed; without it: the App could not be executed
	Error   string `json:"error,omitempty"`  // its world could not be built
	// Of an App that a template forks (package warm). Hello: the template's init waits for the Start. Forked:
	// the App's process is there and waits for its arguments. The order's init says it with a pidfd of that, the
	// template's with pidfds of init and App.
	Hello  bool `json:"hello,omitempty"`
	Forked bool `json:"forked,omitempty"`
	// News is what the init of a template says of it.
	News json.RawMessage `json:"news,omitempty"`
}

// startTimeout bounds how long the init may take to build a world.
const startTimeout = 30 * time.Second

// What an init is told, each with one word: that all is there for it to build its world, and that the App may be
// executed in that.
const (
	build   = "b"
	execute = "x"
)
