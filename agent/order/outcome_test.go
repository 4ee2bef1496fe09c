package order

import (
	"testing"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
)

// TestOutOfMemory: the limit is the message, whatever the App said before.
func TestOutOfMemory(t *testing.T) {
	exit := job.Exit{Code: -1, Signal: "SIGKILL", Reason: job.ReasonOutOfMemory, Error: "the App took more memory than its limit of 64 MiB", StderrTail: "Exception: another"}
	if got := OutcomeOf(exit, wire.RuntimeJob); got != wire.Failed {
		t.Errorf("outcome %q", got)
	}
	if got := MessageOf(t.TempDir(), app.Collected{Message: "working"}, exit); got != exit.Error {
		t.Errorf("message %q", got)
	}
}
