//go:build unix

package shim

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
)

// reapTimeout bounds how long reap tries.
const reapTimeout = 10 * time.Second

// reap ends everything that is left of the job in dir, its shim included, and removes its secret
// files. It runs as the sandbox user and so can end nobody else's processes. It ends the shim and
// the App, by number and start time, all processes of the App's session and group, those with a
// path in dir in their environment (most Apps are given one), and the descendants of all these. It
// does not find a process that left the session and cleaned its environment.
func reap(dir string, known *spec.Status) (int, error) {
	s := toReap(dir, known)
	removeFiles(dir, s.Files)
	if s.BootID != "" && s.BootID != proc.BootID() {
		return 0, nil
	}
	if !sock.Serves(dir, s.ShimPID, s.Token) { // it has ended, or has another job by now
		s.ShimPID = 0
	}
	spared := ancestors()
	killed := map[proc.ID]bool{}
	for deadline := time.Now().Add(reapTimeout); ; time.Sleep(killEvery) {
		list, err := proc.List()
		if err != nil {
			return len(killed), err
		}
		left := leftovers(list, s, dir, spared)
		for _, p := range left {
			if s.AppPID > 1 && p.PGID == s.AppPID {
				_ = unix.Kill(-p.PGID, unix.SIGKILL) // nothing can fork out of a group that is killed
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
func leftovers(list []proc.Info, s spec.Status, dir string, spared map[int]bool) []proc.Info {
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
		if !seen[p.PID] && !spared[p.PID] && p.PID > 1 && p.Start >= s.ShimStart && mine(p.PID) {
			seen[p.PID] = true
			left = append(left, p)
		}
	}
	for _, p := range list {
		ours := app > 1 && (p.PID == app || p.SID == app || p.PGID == app) ||
			p.PID == s.ShimPID && p.Start == s.ShimStart ||
			proc.Mentions(p.PID, dir)
		if ours && !spared[p.PID] {
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
	spared := map[int]bool{os.Getpid(): true, os.Getppid(): true}
	list, err := proc.List()
	if err != nil {
		return spared
	}
	parent := map[int]int{}
	for _, p := range list {
		parent[p.PID] = p.PPID
	}
	for pid := os.Getpid(); pid > 1 && len(spared) < 1000; pid = parent[pid] {
		spared[pid] = true
	}
	return spared
}
