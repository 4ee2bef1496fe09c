package handover

import "time"

// A Phase is how far the last update came.
type Phase string

// The phases that root's side knows. What comes before them is the agent's: downloading, staged.
const (
	Idle           Phase = "idle"
	Applied        Phase = "applied"     // in its slot, not started yet
	Trying         Phase = "trying"      // started, on probation
	Good           Phase = "good"        // healthy: it is the active release
	RolledBack     Phase = "rolled_back" // it failed here
	Blocked        Phase = "blocked"     // this host's policy does not let it run
	Refused        Phase = "refused"     // root did not install it from the inbox
	PackageChanged Phase = "packaged"    // the package manager changed the baseline
	Lost           Phase = "lost"        // root's state or the program of a slot was damaged
)

// Event is what happened last, for people and for the cloud.
type Event struct {
	Phase   Phase     `json:"phase"`
	Version string    `json:"version,omitempty"`
	Code    string    `json:"code,omitempty"` // of a refusal: a key of RefusalHints; else the Class or a word
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// Class says why a program ended, and so what its end costs a candidate.
type Class string

// The classes of ends.
const (
	Clean       Class = "clean"       // it was asked to stop, or asked for a restart
	Crash       Class = "crash"       // a candidate has three tries
	Hang        Class = "hang"        // a candidate has one try: each costs the whole timeout
	Policy      Class = "policy"      // this host does not let it run: not its fault
	Environment Class = "environment" // the host was not ready: not its fault
	Undone      Class = "undone"      // an administrator rolled it back
	Revoked     Class = "revoked"     // its publisher revoked it
)
