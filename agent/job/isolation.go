package job

import (
	"context"
	"fmt"

	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/logging/plain"
)

// Isolation says what an App sees of the host. The zero value hides nothing.
type Isolation = isolation.Plan

// Memory is a folder in memory that each App has for itself from [IsolationFiles] on, where the host has it.
const Memory = isolation.Memory

// MemoryFile is a file in [Memory] that is there when the App starts.
type MemoryFile = isolation.File

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

// The limits that can hold for all processes of one App together.
const (
	LimitMemory = spec.LimitMemory
	LimitTasks  = spec.LimitTasks
	LimitCPU    = spec.LimitCPU
)

// LimitsReport says which limits hold for each App on a host.
type LimitsReport struct {
	Holds []string `json:"holds"` // of LimitMemory, LimitTasks and LimitCPU
	// Missing is why that is not all, "" if it is.
	Missing string `json:"missing,omitempty"`
	// MemoryMegabytes is the setting appsMemoryMegabytes, 0 if no limit is asked for.
	MemoryMegabytes int `json:"memory_megabytes,omitempty"`
}

// Support says what a host can do for Apps.
type Support struct {
	Level   Level    // the highest isolation
	Missing string   // in the kernel's words why it is not more, "" at [IsolationFull]
	Limits  []string // that hold for each App
	// Unlimited is why the others do not hold.
	Unlimited string
}

// Probe tries, as the user of Apps and in the way of the Runner, how far this host lets Apps be
// isolated and limited.
func (e *Executor) Probe(ctx context.Context) (Support, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	reply, err := e.request(ctx, spec.Request{Op: spec.OpProbe})
	if err != nil {
		return Support{}, fmt.Errorf("trying how far Apps can be isolated: %w", err)
	}
	return Support{
		Level: reply.Level, Missing: plain.Line(reply.Missing), Limits: reply.Limits, Unlimited: plain.Line(reply.Unlimited),
	}, nil
}
