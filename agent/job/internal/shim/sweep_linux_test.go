package shim

import (
	"os"
	"slices"
	"testing"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
)

// TestStrays: only what has been seen to descend from nobody is anybody's to end.
func TestStrays(t *testing.T) {
	const agent, shim, dead = 4_000_010, 4_000_020, 4_000_030 // beyond the numbers of this host
	ps := func(pid, ppid int, start uint64) proc.Info {
		return proc.Info{ID: proc.ID{PID: pid, Start: start}, PPID: ppid}
	}
	list := []proc.Info{
		ps(1, 0, 1), ps(agent, 1, 5), ps(4_000_011, agent, 6), ps(4_000_012, 4_000_011, 6), // sudo and a shim on its way
		ps(shim, 1, 7), ps(4_000_021, shim, 8), ps(4_000_022, 4_000_021, 8), // a job that an agent before had started
		ps(4_000_031, 1, 9), ps(4_000_032, 4_000_031, 9), // left by a shim that was killed
		ps(4_000_041, 4_000_049, 9), // whose parent ended in this moment
		ps(4_000_051, 1, 9),         // in another group
		ps(4_000_061, 4_000_051, 9), // of a subreaper beyond the group
	}
	within := func(pid int) bool { return pid > 1 && pid != 4_000_051 }
	living := []spec.Status{{ShimPID: shim, ShimStart: 7}, {ShimPID: 4_000_031, ShimStart: 3}, {ShimPID: dead, ShimStart: 1}}
	var got []int
	for _, p := range strays(list, within, agent, living) {
		got = append(got, p.PID)
	}
	if want := []int{4_000_031, 4_000_032, 4_000_061}; !slices.Equal(got, want) {
		t.Errorf("strays %v, want %v", got, want)
	}
}

// TestNoServiceNoSweep: who started the agent by hand is in its group.
func TestNoServiceNoSweep(t *testing.T) {
	if g := proc.ServiceGroup(); g != "" {
		t.Skipf("this test runs in %q", g)
	}
	if n, err := sweep(os.Getpid(), nil); n != 0 || err != nil {
		t.Errorf("%d ended, %v", n, err)
	}
}
