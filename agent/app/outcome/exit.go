package outcome

import "tcenvsvr/agent/link/wire"

// Exit codes of the App contract.
const (
	exitSuccess     = 0
	exitPartial     = 3 // of jobs
	exitHardFailure = 4 // failed, and trying again is useless
)

// Outcome is what an exit code says, for an App that ended by itself.
//
// Partial belongs to jobs. The framework itself ends a Playbook App with 0 where its
// author said 3, so a Playbook App that comes to 3 all the same has not
// ended by the framework's rules: it failed.
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
