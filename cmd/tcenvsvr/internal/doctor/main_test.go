package doctor

import (
	"os"
	"testing"

	"tcenvsvr/agent/job"
)

// TestMain is also the shim of what the tests start: else a shim would run the tests again.
func TestMain(m *testing.M) {
	if job.IsShim(os.Args) {
		os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	}
	run(m)
}
