//go:build unix

package shim

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
)

// reapPatience bounds how long reap tries.
const reapPatience = 10 * time.Second

// reap ends everything that is left of the job in dir, its shim included,
// and removes its secret files. It runs as the sandbox user and so can end nobody else's processes. What it
// ends are the shim and the App by number and start time, all of the App's session and
// group, whatever has a path in dir in its environment, as most Apps are given,
// and the descendants of all these. What left the session and cleaned its environment is not found.
func reap(dir string, known *spec.Status) (int, error) {
	s := wanted(dir, known)
	removeFiles(dir, s.Files)
	if s.BootID != "" && s.BootID != proc.BootID() {
		return 0, nil
	}
	spare := ancestors()
	killed := map[proc.ID]bool{}
	for deadline := time.Now().Add(reapPatience); ; time.Sleep(killEvery) {
		list, err := proc.List()
		if err != nil {
			return len(killed), err
		}
		left := leftovers(list, s, dir, spare)
		for _, p := range left {
			if s.AppPID > 1 && p.PGID == s.AppPID {
				_ = unix.Kill(-p.PGID, unix.SIGKILL) // nobody forks out of this
			}
			if err := proc.Signal(p.ID, unix.SIGKILL); err == nil && p.PID != s.ShimPID {
				killed[p.ID] = true
			}
		}
		if len(left) == 0 {
			return len(killed), nil
		}
		if time.Now().After(deadline) {
			return len(killed), fmt.Errorf("ending the leftovers of the job: %d processes do not end", len(left))
		}
	}
}

// leftovers picks from list what belongs to the job.
func leftovers(list []proc.Info, s spec.Status, dir string, spare map[int]bool) []proc.Info {
	// The session is the App's unless its number was given away since.
	app := s.AppPID
	for _, p := range list {
		if p.PID == app && p.Start != s.AppStart {
			app = 0
		}
	}
	var left []proc.Info
	seen := map[int]bool{}
	add := func(p proc.Info) {
		if !seen[p.PID] && !spare[p.PID] && p.PID > 1 && p.Start >= s.ShimStart && mine(p.PID) {
			seen[p.PID] = true
			left = append(left, p)
		}
	}
	for _, p := range list {
		ours := app > 1 && (p.PID == app || p.SID == app || p.PGID == app) ||
			p.PID == s.ShimPID && p.Start == s.ShimStart ||
			proc.Mentions(p.PID, dir)
		if ours && !spare[p.PID] {
			add(p)
			for _, d := range proc.Descendants(list, p.PID, 0) {
				add(d)
			}
		}
	}
	return left
}

// mine reports whether this user may signal the process.
func mine(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.EPERM) }

// ancestors are this process and those it descends from, sudo and agent among them.
func ancestors() map[int]bool {
	spare := map[int]bool{os.Getpid(): true, os.Getppid(): true}
	list, err := proc.List()
	if err != nil {
		return spare
	}
	parent := map[int]int{}
	for _, p := range list {
		parent[p.PID] = p.PPID
	}
	for pid := os.Getpid(); pid > 1 && len(spare) < 1000; pid = parent[pid] {
		spare[pid] = true
	}
	return spare
}
