package services

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// State is what became of a Service.
type State struct {
	Service int64 `json:"service"` // Service.ID; a State of another one counts for nothing
	// Launches counts the instances; it is in the ids of their orders.
	Launches int `json:"launches,omitempty"`
	// Current is the instance that serves, or is to; nil = there is none.
	Current *Instance `json:"current,omitempty"`
	// Next is to replace Current when it is ready.
	Next *Instance `json:"next,omitempty"`
	// Old are those that were told to end.
	Old []Instance `json:"old,omitempty"`
	// Failures counts the instances that ended since one was well; Again is when the next one starts.
	Failures int       `json:"failures,omitempty"`
	Again    time.Time `json:"again,omitzero"`
	// Restarts counts the instances that ended without being told to.
	Restarts int `json:"restarts,omitempty"`
	// Ends are the last ends, newest first, ten at most.
	Ends []End `json:"ends,omitempty"`
}

// Instance is one run of the App.
type Instance struct {
	Order      wire.OrderID `json:"order"`
	Generation int          `json:"generation"` // of the Service that it was made from
	Started    time.Time    `json:"started"`    // written down
	// Attempt, Server and Ready say where the App has said that it is ready, and when; zero before.
	Attempt wire.Attempt   `json:"attempt,omitempty"`
	Server  wire.ServerXID `json:"server,omitempty"`
	Ready   time.Time      `json:"ready,omitzero"`
	// LogLevel is what the App of this attempt was told of it.
	LogLevel string `json:"log_level,omitempty"`
	// Triggers are those that were given to the App of this attempt.
	Triggers map[int64]Given `json:"triggers,omitempty"`
}

// Given says what the App made of a trigger.
type Given struct {
	Problem string    `json:"problem,omitempty"` // "" = it is active
	At      time.Time `json:"at"`
}

// End is the end of an instance.
type End struct {
	Order    wire.OrderID   `json:"order"`
	Server   wire.ServerXID `json:"server,omitempty"`
	At       time.Time      `json:"at"`
	Outcome  string         `json:"outcome"` // as of an execution, or "refused"
	Message  string         `json:"message,omitempty"`
	ExitCode int            `json:"exit_code,omitempty"`
	Told     bool           `json:"told,omitempty"` // it was told to end
}

const (
	maxEnds  = 10
	maxWords = 300 // bytes of a message that is kept
	// firstRest and mostRest are between an end and the next start; the rest doubles with each failure.
	firstRest = time.Second
	mostRest  = 5 * time.Minute
	// well is how long an instance must have been ready for its end to count as the first failure.
	well = 10 * time.Minute
)

func (st *State) clone() *State {
	c := *st
	c.Old, c.Ends = slices.Clone(st.Old), slices.Clone(st.Ends)
	c.Current, c.Next = st.Current.clone(), st.Next.clone()
	return &c
}

func (i *Instance) clone() *Instance {
	if i == nil {
		return nil
	}
	c := *i
	c.Triggers = maps.Clone(i.Triggers)
	return &c
}

// of returns the instance of an order, nil if it is none that serves or is to.
func (st *State) of(order wire.OrderID) *Instance {
	switch {
	case st.Current != nil && st.Current.Order == order:
		return st.Current
	case st.Next != nil && st.Next.Order == order:
		return st.Next
	}
	return nil
}

// launch writes down a new instance, which the caller submits.
func (st *State) launch(s *Service, now time.Time) *Instance {
	st.Launches++
	return &Instance{Order: wire.OrderID(fmt.Sprintf("svc-%d-%d", s.ID, st.Launches)), Generation: s.Generation, Started: now}
}

// sawReady records that the App of an instance is ready. A new attempt knows no triggers yet.
func (i *Instance) sawReady(attempt wire.Attempt, server wire.ServerXID, now time.Time) {
	if i.Attempt != attempt {
		i.Triggers, i.LogLevel = nil, ""
	}
	i.Attempt, i.Server, i.Ready = attempt, server, now
}

// ended takes an instance out that has ended.
func (st *State) ended(order wire.OrderID, e End) {
	told := false
	switch {
	case st.Current != nil && st.Current.Order == order:
		st.failed(st.Current, e.At)
		st.Current = nil
	case st.Next != nil && st.Next.Order == order:
		st.failed(st.Next, e.At)
		st.Next = nil
	default:
		n := len(st.Old)
		st.Old = slices.DeleteFunc(st.Old, func(i Instance) bool { return i.Order == order })
		if told = len(st.Old) < n; !told {
			return
		}
	}
	e.Order, e.Told = order, told
	if len(e.Message) > maxWords {
		e.Message = e.Message[:maxWords]
	}
	st.Ends = append([]End{e}, st.Ends...)
	st.Ends = st.Ends[:min(len(st.Ends), maxEnds)]
}

// failed counts an end that was not asked for.
func (st *State) failed(i *Instance, at time.Time) {
	st.Restarts++
	if !i.Ready.IsZero() && at.Sub(i.Ready) > well {
		st.Failures = 0
	}
	rest := min(firstRest<<min(st.Failures, 20), mostRest)
	st.Failures++
	st.Again = at.Add(rest)
}

// replace makes Next the Current one; the other one is told to end.
func (st *State) replace() {
	if st.Current != nil {
		st.Old = append(st.Old, *st.Current)
	}
	st.Current, st.Next, st.Failures = st.Next, nil, 0
}

// dismiss has all instances told to end.
func (st *State) dismiss() {
	for _, i := range []*Instance{st.Current, st.Next} {
		if i != nil {
			st.Old = append(st.Old, *i)
		}
	}
	st.Current, st.Next, st.Failures, st.Again = nil, nil, 0, time.Time{}
}

// endOf describes how an order ended.
func endOf(x *dispatch.Execution) End {
	e := End{Server: x.Server, At: x.Ended, Outcome: string(x.Outcome()), Message: x.Reason}
	if x.Result != nil {
		e.Message, e.ExitCode = cmp.Or(x.Result.Message, x.Result.Error, x.Reason), x.Result.ExitCode
		if x.Result.Error != "" && x.Result.Message != "" {
			e.Message = x.Result.Error + ": " + x.Result.Message
		}
	}
	return e
}

// Phase says in one word how a service is.
type Phase string

// The phases.
const (
	Stopped   Phase = "stopped"
	Stopping  Phase = "stopping"
	Starting  Phase = "starting" // an instance was started and is not ready yet
	Ready     Phase = "ready"
	Upgrading Phase = "upgrading" // ready, and another instance is to replace the one that serves
	Waiting   Phase = "waiting"   // the next instance starts later, because the last one failed
)

// Phases are all of them.
var Phases = []Phase{Stopped, Stopping, Starting, Ready, Upgrading, Waiting}

// Phase is how the service is.
func (v View) Phase() Phase {
	st := v.State
	switch {
	case !v.Service.Running && len(st.Old) == 0 && st.Current == nil:
		return Stopped
	case !v.Service.Running:
		return Stopping
	case st.Current == nil:
		return Waiting
	case st.Current.Ready.IsZero():
		return Starting
	case st.Next != nil || st.Current.Generation != v.Service.Generation:
		return Upgrading
	}
	return Ready
}
