package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/test/apps"
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
	var pids []int
	for deadline := time.Now().Add(30 * time.Second); len(pids) < jobs; time.Sleep(100 * time.Millisecond) {
		if pids = shims(b.AgentBin); time.Now().After(deadline) {
			return fmt.Errorf("%d of %d shims run", len(pids), jobs)
		}
	}
	time.Sleep(time.Duration(b.size(10, 1)) * time.Second)
	inits := initsOf(pids)
	sum := func(pids []int) (all, alone float64, err error) {
		for _, pid := range pids {
			rss, own, err := memory(pid)
			if err != nil {
				return 0, 0, err
			}
			all, alone = all+rss/1e6, alone+own/1e6
		}
		return all, alone, nil
	}
	all, alone, err := sum(pids)
	if err != nil {
		return err
	}
	initAll, initAlone, err := sum(inits)
	if err != nil {
		return err
	}
	b.row("shim of a running job, RSS", all/jobs, "MB", "")
	b.row("shim of a running job, of that its own", alone/jobs, "MB", "")
	b.row("inits of isolated Apps", float64(len(inits)), "", "")
	n := max(1, float64(len(inits)))
	b.row("init of an isolated App, RSS", initAll/n, "MB", "")
	b.row("init of an isolated App, of that its own", initAlone/n, "MB", "")
	b.row("shim and init together, RSS", all/jobs+initAll/n, "MB", "< 6 MB")
	if rss, _, err = memory(a.PID()); err != nil {
		return err
	}
	b.row("agent with 8 running jobs, RSS", rss/1e6, "MB", "")
	return cancelAll(api)
}

// shims finds the shims that this program file runs.
func shims(exe string) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || string(data) != exe+"-shim\x00job-shim\x00" {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		pids = append(pids, pid)
	}
	return pids
}

// initsOf finds the inits among the children of shims.
func initsOf(shims []int) []int {
	var pids []int
	for _, shim := range shims {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", shim))
		for _, file := range files {
			children, _ := os.ReadFile(file)
			for child := range strings.FieldsSeq(string(children)) {
				line, _ := os.ReadFile("/proc/" + child + "/cmdline")
				if pid, err := strconv.Atoi(child); err == nil && strings.HasSuffix(string(line), "\x00app-init\x00") {
					pids = append(pids, pid)
				}
			}
		}
	}
	return pids
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
