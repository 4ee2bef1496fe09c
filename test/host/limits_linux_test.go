package host

import (
	"context"
	"testing"
	"time"
)

// The steps of testdata/limits.sh.
var limitsSteps = []string{"groups", "install", "cloud", "enroll", "hardened", "start", "connected", "within", "doctor", "status", "isolated",
	"too-much", "too-many", "shown", "setting", "by-setting", "not-raised", "lowered", "by-signal", "afterwards", "by-sudo"}

// TestLimitsHold has Apps take more than they may, with the units of the package: those of the order,
// those of the settings and changes of them, on a machine of its own kernel. A namespace shares ours,
// whose controllers may belong to control groups of version 1, and then no machine has any.
func TestLimitsHold(t *testing.T) {
	needsVM(t)
	measured := stopwatch(t)
	bare := root(t)
	r := theRelease(t)
	machine := overlay(t, t.TempDir(), bare)
	equip(t.Context(), t, machine, r, "hungry", "testdata/limits.sh")
	image := diskImage(t.Context(), t, machine)
	measured("image")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	report, err := runVM(ctx, t.TempDir(), image, "systemd.unified_cgroup_hierarchy=1")
	measured("machine, from boot to power off")
	t.Logf("the machine said:\n%s", report)
	must(t, err, "running the machine")
	checkSteps(t, report, limitsSteps)
}
