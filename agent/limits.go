package agent

import "time"

// Limits may change while the agent runs, by [Agent.Adjust].
type Limits struct {
	// Executors is the number of slots, ≥ 1 (appsNumberofJobExecutors).
	Executors int
	// Services is the number of places for services, ≥ 0 (appsNumberofServices).
	Services int
	// KeepSessions is how long a job's folder stays; 0 = until the cloud has the result
	// (appsSessionDaystoKeep).
	KeepSessions time.Duration
	// InfoEvery is relaySystemInfoPublishSeconds; 0 = a minute.
	InfoEvery time.Duration
}

// Adjust changes the limits. With fewer executors, running jobs go on, and no order is taken until
// a slot is free again.
func (a *Agent) Adjust(l Limits) {
	a.slots.resize(l.Executors, l.Services)
	a.mu.Lock()
	a.limits = l
	close(a.adjusted)
	a.adjusted = make(chan struct{})
	a.mu.Unlock()
	a.grant()
}

// current returns the limits and a channel that is closed when they change.
func (a *Agent) current() (Limits, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.limits, a.adjusted
}
