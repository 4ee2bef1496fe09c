package proc

import "errors"

// ErrGone means that no process has this identity any more.
var ErrGone = errors.New("process is gone")

// ID is one process for as long as the host runs.
type ID struct {
	PID   int
	Start uint64 // clock ticks since boot on Linux, µs of absolute time on macOS, 100 ns on Windows; 0 unknown
}

// Info is a living process; zombies are not alive.
type Info struct {
	ID
	PPID, PGID, SID int
	Stopped         bool
}

// Descendants are the processes of list that descend from root, without root itself. On systems
// without a subreaper an orphan is found as long as it stays in the session or the group that app
// leads.
func Descendants(list []Info, root, app int) []Info {
	children := make(map[int][]int, len(list))
	for i, p := range list {
		children[p.PPID] = append(children[p.PPID], i)
	}
	var found []Info
	seen := map[int]bool{root: true}
	var add func(i int)
	add = func(i int) {
		if p := list[i]; !seen[p.PID] {
			seen[p.PID] = true
			found = append(found, p)
			for _, c := range children[p.PID] {
				add(c)
			}
		}
	}
	for _, i := range children[root] {
		add(i)
	}
	for i, p := range list {
		if app > 1 && (p.SID == app || p.PGID == app) {
			add(i)
		}
	}
	return found
}
