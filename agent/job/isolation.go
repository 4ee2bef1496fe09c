package job

import (
	"context"
	"fmt"

	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/spec"
)

// Isolation says what an App sees of the host. The zero value hides nothing.
type Isolation = isolation.Plan

// Level is how far an App is kept apart from all others.
type Level = isolation.Level

// The levels; each one includes those below it.
const (
	IsolationOff      = isolation.Off      // by nothing but its user
	IsolationFiltered = isolation.Filtered // no new privileges, a filter of system calls, Landlock
	IsolationFiles    = isolation.Files    // and mounts of its own: other Apps' files cannot be seen
	IsolationFull     = isolation.Full     // and other Apps' processes neither
)

// IsolationReport says how far Apps are kept apart on a host.
type IsolationReport struct {
	Wanted string `json:"wanted"` // setting appsIsolation
	Level  Level  `json:"level"`  // what Apps get
	// Missing is why that is less than [IsolationFull], in the kernel's words; "" if it is not less, or
	// nothing is wanted.
	Missing string `json:"missing,omitempty"`
}

// Probe tries, as the user of Apps and in the way of the Runner, how far this host lets Apps be
// isolated. missing says in the kernel's words why it is not more, "" at [IsolationFull].
func (e *Executor) Probe(ctx context.Context) (level Level, missing string, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	reply, err := e.request(ctx, spec.Request{Op: spec.OpProbe})
	if err != nil {
		return "", "", fmt.Errorf("trying how far Apps can be isolated: %w", err)
	}
	return reply.Level, reply.Missing, nil
}
