package shim

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
)

// sweep ends what was left behind by Apps that had ended their own shims: such processes may have
// left their session and cleaned their environment. An App cannot leave the service's control
// group, though, and the processes of living jobs descend there from their shims, which are
// subreapers, or from the agent. Any other process of this user in the group belongs to no job.
//
// An agent that was started by hand shares its group with the user's other programs: nothing is
// swept then.
func sweep(agent int, living []spec.Status) (killed int, err error) {
	group := proc.ServiceGroup()
	if group == "" {
		return 0, nil
	}
	return sweepGroup(group, agent, living)
}

func sweepGroup(group string, agent int, living []spec.Status) (int, error) {
	killed := map[proc.ID]bool{}
	for deadline := time.Now().Add(reapTimeout); ; time.Sleep(killEvery) {
		list, err := proc.List()
		if err != nil {
			return len(killed), err
		}
		stray := strays(list, func(pid int) bool { return proc.Group(pid) == group }, agent, living)
		for _, p := range stray {
			if proc.Signal(p.ID, unix.SIGKILL) == nil {
				killed[p.ID] = true
			}
		}
		if len(stray) == 0 {
			return len(killed), nil
		}
		if time.Now().After(deadline) {
			return len(killed), fmt.Errorf("ending what belongs to no job: %d processes do not end", len(stray))
		}
	}
}

// strays are the processes of a group whose ancestors in the group are all known and include
// neither the agent nor a living shim.
func strays(list []proc.Info, within func(pid int) bool, agent int, living []spec.Status) []proc.Info {
	byPID := map[int]proc.Info{}
	for _, p := range list {
		byPID[p.PID] = p
	}
	owner := ancestors() // of this process: the agent, and a sudo between
	owner[agent] = true
	for _, s := range living {
		if byPID[s.ShimPID].Start == s.ShimStart {
			owner[s.ShimPID] = true
		}
	}
	delete(owner, 1)
	member := map[int]bool{}
	for _, p := range list {
		member[p.PID] = within(p.PID)
	}
	var found []proc.Info
	for _, p := range list {
		if member[p.PID] && p.PID > 1 && orphan(p, byPID, member, owner) && mine(p.PID) {
			found = append(found, p)
		}
	}
	return found
}

// orphan reports whether p has no ancestor among owner. A parent that is not in the list ended
// while the list was made, and its children have another parent by now: then the next list decides.
func orphan(p proc.Info, byPID map[int]proc.Info, member, owner map[int]bool) bool {
	for range len(byPID) {
		if owner[p.PID] {
			return false
		}
		parent, seen := byPID[p.PPID]
		switch {
		case owner[p.PPID]:
			return false
		case p.PPID <= 1 || seen && !member[p.PPID]: // init, or another subreaper beyond the group
			return true
		case !seen:
			return false
		}
		p = parent
	}
	return false
}
