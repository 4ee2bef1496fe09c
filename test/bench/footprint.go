package main

import (
	"fmt"
	"os"
	"time"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// footprint looks at an idle agent and at running shims.
func footprint(b *bench) error {
	c, a, err := b.trivial(8)
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	app, err := apps.Build("sleep", b.Dir)
	if err != nil {
		return err
	}
	if _, err := c.Do(b.ctx, "app", "add", app); err != nil {
		return err
	}
	// `true` would not sleep: this agent runs the real Python.
	a.Stop(10 * time.Second)
	if err := a.Start(); err != nil {
		return err
	}
	if err := a.Connected(b.ctx); err != nil {
		return err
	}
	time.Sleep(time.Duration(b.size(30, 2)) * time.Second)
	rss, own, err := memory(a.PID())
	if err != nil {
		return err
	}
	b.row("agent idle, RSS", rss/1e6, "MB", "< 20 MB")
	b.row("agent idle, of that its own", own/1e6, "MB", "")

	const jobs = 8
	for range jobs {
		if _, err := api.submit("Test - Sleep", map[string]string{"seconds": "300"}); err != nil {
			return err
		}
	}
	var seen jobProcesses
	err = stage.Eventually(b.ctx, func() error {
		if seen = jobProcessesOf(b.AgentBin); len(seen.running) != jobs {
			return fmt.Errorf("%d of %d shims run", len(seen.running), jobs)
		}
		return nil
	})
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(b.size(10, 1)) * time.Second)
	seen = jobProcessesOf(b.AgentBin)
	shim, init := b.taken("shim of a running job", seen.running), b.taken("init of an isolated App", seen.inits)
	b.taken("prewarmed shim", seen.waiting)
	b.row("shim and init of a running job together, each page once", shim+init, "MB", "< 6 MB")
	if rss, _, err = memory(a.PID()); err != nil {
		return err
	}
	b.row("agent with 8 running jobs, RSS", rss/1e6, "MB", "")
	return cancelAll(api)
}

// taken tells how many such processes there are and what one takes, and returns its share in MB when each page
// that several have counts once. One that ends while it is looked at is not counted.
func (b *bench) taken(what string, pids []int) (share float64) {
	var n, all, alone float64
	for _, pid := range pids {
		if rss, own, err := memory(pid); err == nil && rss > 0 { // a zombie has none
			n, all, alone = n+1, all+rss/1e6, alone+own/1e6
		}
	}
	b.row(what+": how many", n, "", "")
	if n == 0 {
		return 0
	}
	share = shared(pids) / 1e6 / n
	b.row(what+", RSS", all/n, "MB", "")
	b.row(what+", of that its own", alone/n, "MB", "")
	b.row(what+", each page once", share, "MB", "")
	return share
}

// jobProcesses are the processes of ours that jobs have.
type jobProcesses struct{ running, waiting, inits []int }

// jobProcessesOf finds those of one program file. An init is a copy of its shim, so it has the same command
// line; but its parent is a shim. A shim that waits for a job has no child.
func jobProcessesOf(exe string) (found jobProcesses) {
	named, parent := map[int]bool{}, map[int]bool{}
	all := processes()
	for _, p := range all {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid)) // empty if it has ended
		named[p.pid] = string(line) == exe+"-shim\x00job-shim\x00"
		parent[p.parent] = true
	}
	for _, p := range all {
		switch {
		case !named[p.pid]:
		case named[p.parent]:
			found.inits = append(found.inits, p.pid)
		case parent[p.pid]:
			found.running = append(found.running, p.pid)
		default:
			found.waiting = append(found.waiting, p.pid)
		}
	}
	return found
}

// cancelAll ends what still runs.
func cancelAll(api *admin) error {
	var running []execution
	if err := api.call("GET", "executions?environment="+environment+"&state=running", nil, &running); err != nil {
		return err
	}
	for _, e := range running {
		if err := api.call("POST", "executions/"+e.ID+"/cancel", map[string]string{}, nil); err != nil {
			return err
		}
	}
	for _, e := range running {
		if _, err := api.end(e.ID); err != nil {
			return err
		}
	}
	return nil
}
