package outcome

import "tcenvsvr/agent/link/wire"

// Exit codes of the App contract.
const (
	exitSuccess     = 0
	exitPartial     = 3 // of jobs
	exitHardFailure = 4 // failed, and trying again is useless
)

// Outcome returns what the exit code of an App that ended by itself means.
//
// Only jobs can be Partial. The framework turns the exit code 3 of a Playbook App into 0, so a
// Playbook App that still ends with 3 did not end through the framework: it failed.
func Outcome(code int, playbook bool) wire.Outcome {
	switch {
	case code == exitSuccess:
		return wire.Succeeded
	case code == exitPartial && !playbook:
		return wire.Partial
	}
	return wire.Failed
}

// HardFailure reports whether the App asks not to be run again.
func HardFailure(code int) bool { return code == exitHardFailure }
