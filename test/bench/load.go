package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tcenvsvr/test/stage"
)

// loaded gives a server with so many slots more orders than it can take, and tells how it fares.
func (b *bench) loaded(runner string, p place, slots int, budget string) error {
	s, err := p.start(trivial(runner, p, slots))
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := orders(p.api(), 0); err != nil {
		return err
	}
	before, err := b.measured(p, s)
	if err != nil {
		return err
	}
	n := b.size(2000, 300)
	rate, submitted, err := p.api().flood(noop, n)
	if err != nil {
		return err
	}
	after, err := b.measured(p, s)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s, %d slots: ", runner, slots)
	each := func(d time.Duration) float64 { return ms(d) / float64(n) }
	b.row(name+"completed", rate, "/s", budget)
	b.row(name+"submitted meanwhile", submitted, "/s", "")
	b.row(name+"processor for each order: cloud", each(after.cloud-before.cloud), "ms", "")
	b.row(name+"processor for each order: agent", each(after.agent-before.agent), "ms", "")
	b.row(name+"processor for each order: "+besideName(runner), each(after.jobs-before.jobs), "ms", "")
	b.row(fmt.Sprintf("%sagent, memory after %d orders", name, n), after.agentRSS/1e6, "MB", "")
	b.row(name+"agent, growth", (after.agentRSS-before.agentRSS)/1e6, "MB", "")
	b.row(name+"cloud, growth", (after.cloudRSS-before.cloudRSS)/1e6, "MB", "")
	return nil
}

// besideName is what uses processor beside the agent.
func besideName(runner string) string {
	if runner == "none" {
		return "shim and App"
	}
	return "shim, App and the machine's systemd"
}

// measurement is what cloud and server have used until now.
type measurement struct {
	cloud, agent, jobs time.Duration
	cloudRSS, agentRSS float64
}

func (b *bench) measured(p place, s *server) (measurement, error) {
	var m measurement
	var err error
	m.cloud, _ = cpu(p.cloud().PID())
	m.agent, m.jobs = s.used()
	if m.cloudRSS, _, err = memory(p.cloud().PID()); err == nil {
		m.agentRSS, _, err = memory(s.pid)
	}
	return m, err
}

// flood submits n orders as fast as four clients can, waits until all have succeeded, and returns
// how many of both were done a second.
func (a *admin) flood(app string, n int) (completed, submitted float64, err error) {
	ids := make([]string, n)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	begin := time.Now()
	for client := range errs {
		wg.Go(func() {
			for i := client; i < n && errs[client] == nil; i += len(errs) {
				e, err := a.submit(app, nil)
				ids[i], errs[client] = e.ID, err
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, 0, err
		}
	}
	submitted = float64(n) / time.Since(begin).Seconds()
	var last time.Time
	for _, id := range ids {
		e, err := a.succeeded(id)
		if err != nil {
			return 0, 0, err
		}
		if e.EndedAt.After(last) {
			last = e.EndedAt
		}
	}
	return float64(n) / last.Sub(begin).Seconds(), submitted, nil
}

// syncs counts how often an order waits for the disk, on either side.
func (b *bench) syncs(runner string, p place) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: not available: syncs for each order: there is no strace")
		return nil
	}
	const slots = 8
	s, err := p.start(trivial(runner, p, slots))
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := orders(p.api(), 0); err != nil {
		return err
	}
	counters := map[string]*counter{}
	for name, pid := range map[string]int{"cloud": p.cloud().PID(), "agent": s.pid} {
		if counters[name], err = b.count(strace, name, pid); err != nil {
			return err
		}
	}
	n := b.size(200, 50)
	_, _, err = p.api().flood(noop, n)
	for _, c := range counters {
		if endErr := c.end(); err == nil {
			err = endErr
		}
	}
	if err != nil {
		return err
	}
	own, others := counters["agent"].syncs()
	cloud, _ := counters["cloud"].syncs()
	name := fmt.Sprintf("%s, %d slots: syncs to disk for each order: ", runner, slots)
	b.row(name+"cloud", float64(cloud)/float64(n), "", "")
	b.row(name+"agent", float64(own)/float64(n), "", "")
	b.row(name+"shim and App", float64(others)/float64(n), "", "")
	return nil
}

// counter is a strace of a process and of what it starts.
type counter struct {
	cmd    *exec.Cmd
	prefix string
	pid    int
	tasks  map[string]bool // of the process itself
}

func (b *bench) count(strace, name string, pid int) (*counter, error) {
	c := &counter{prefix: filepath.Join(b.Dir, "strace-"+name), pid: pid, tasks: map[string]bool{}}
	c.cmd = exec.Command(strace, "-ff", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs", "-e", "signal=none",
		"-o", c.prefix, "-p", strconv.Itoa(pid))
	var said bytes.Buffer
	c.cmd.Stderr = &said
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	return c, stage.Eventually(b.ctx, func() error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err == nil && strings.Contains(string(text), "TracerPid:\t0\n") {
			err = fmt.Errorf("strace does not trace yet: %s", said.String())
		}
		return err
	})
}

// end detaches. The process's own threads are known by then.
func (c *counter) end() error {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.pid))
	for _, t := range tasks {
		c.tasks[t.Name()] = true
	}
	_ = c.cmd.Process.Signal(os.Interrupt)
	_ = c.cmd.Wait() // ends by the signal
	return err
}

// syncs are those of the process, and of what it started.
func (c *counter) syncs() (own, others int) {
	files, _ := filepath.Glob(c.prefix + ".*")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		n := strings.Count(string(text), "sync") - strings.Count(string(text), "resumed")
		if c.tasks[strings.TrimPrefix(filepath.Ext(file), ".")] {
			own += n
		} else {
			others += n
		}
	}
	return own, others
}
