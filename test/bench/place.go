package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// place is a cloud and where its agents run, by one of the runners: as children of ours (none), or
// on a machine of their own with systemd and the package installed (sudo, socket).
type place interface {
	// start has a new server take the orders of the Environment; the one before has ended.
	start(settings map[string]string) (*server, error)
	// python is the interpreter there, with the path of one that does nothing beside it.
	python() (real, trivial string)
	cloud() *stage.Cloud
	api() *admin
}

// server is a running agent.
type server struct {
	pid int // as seen from here
	// used is the processor time of the agent, and that of all that it had started: shims, Apps,
	// and systemd where that starts them.
	used func() (agent, jobs time.Duration)
	// beside are the processes that run for the agent.
	beside func() []int
	// status decodes what `tcenvsvr status --json` says.
	status func(into any) error
	stop   func()
}

// runners are the ways to run Apps, in the order of the tables.
var runners = []string{"none", "sudo", "socket"}

// each calls f for each runner that is asked for and that this host can have.
func (b *bench) each(f func(runner string, p place) error) error {
	var machine place
	for _, runner := range runners {
		if !slices.Contains(b.runners, runner) {
			continue
		}
		p := machine
		var err error
		switch {
		case runner == "none":
			p, err = b.here()
		case machine == nil:
			if why := machineMissing(); why != "" {
				fmt.Fprintf(os.Stderr, "bench: not available: runners sudo and socket: %s\n", why)
				return nil
			}
			p, err = b.newMachine()
			machine = p
		}
		if err != nil {
			return err
		}
		if err := f(runner, p); err != nil {
			return fmt.Errorf("runner %s: %w", runner, err)
		}
	}
	return nil
}

// add puts an App into the catalog of a place.
func (b *bench) add(p place, app string) error {
	file, err := apps.Build(app, b.Dir)
	if err != nil {
		return err
	}
	_, err = p.cloud().Do(b.ctx, "app", "add", file)
	return err
}

// with is settings and some more, as name, value, name, value.
func with(settings map[string]string, more ...string) map[string]string {
	all := maps.Clone(settings)
	if all == nil {
		all = map[string]string{}
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// here are agents as children of ours.
type here struct {
	b       *bench
	c       *stage.Cloud
	admin   *admin
	servers int
}

func (b *bench) here() (*here, error) {
	c, err := b.startCloud()
	if err != nil {
		return nil, err
	}
	api, err := b.admin(c)
	return &here{b: b, c: c, admin: api}, err
}

func (h *here) cloud() *stage.Cloud { return h.c }
func (h *here) api() *admin         { return h.admin }

func (h *here) python() (real, trivial string) { return "/usr/bin/python3", h.b.truePython() }

func (h *here) start(settings map[string]string) (*server, error) {
	h.servers++
	a, err := h.c.Enroll(h.b.ctx, environment, fmt.Sprint("server", h.servers))
	if err != nil {
		return nil, err
	}
	var flags []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		flags = append(flags, "--"+name, settings[name])
	}
	if err := a.Start(flags...); err != nil {
		return nil, err
	}
	h.b.atEnd(func() { a.Stop(stopTimeout) })
	return &server{
		pid:    a.PID(),
		used:   func() (agent, jobs time.Duration) { return cpu(a.PID()) },
		beside: func() []int { return descendants(a.PID()) },
		status: func(into any) error { return h.b.statusOf(a, into) },
		stop:   func() { a.Stop(stopTimeout) },
	}, a.Connected(h.b.ctx)
}

// descendants are the children of a process, and theirs.
func descendants(pid int) []int {
	children := map[int][]int{}
	for _, p := range processes() {
		children[p.parent] = append(children[p.parent], p.pid)
	}
	var all []int
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		all = append(all, children[queue[0]]...)
		queue = append(queue, children[queue[0]]...)
	}
	return all
}

// process is one of all that run.
type process struct{ pid, parent int }

func processes() []process {
	entries, _ := os.ReadDir("/proc")
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := stat(pid); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			all = append(all, process{pid, parent})
		}
	}
	return all
}

// shared is the memory of processes in bytes, where each page that several have counts once.
func shared(pids []int) (sum float64) {
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(data)) {
			if value, is := strings.CutPrefix(line, "Pss:"); is {
				kb, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
				sum += kb * 1024
			}
		}
	}
	return sum
}
