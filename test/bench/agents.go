package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"tcenvsvr/test/stage"
)

// perProcess is how many agents one client process holds: descriptors are limited, and so is the
// heap that one garbage collector should walk.
const perProcess = 3000

// herd is a number of swarm processes.
type herd struct {
	processes []*exec.Cmd
	stdins    []io.Closer

	mu     sync.Mutex
	counts []count
}

// issue makes the identities number from to number to-1, as bundles below folders of perProcess each.
func (b *bench) issue(api *admin, from, to int) ([]string, error) {
	var dirs []string
	for first := from; first < to; first += perProcess {
		dir := filepath.Join(b.Dir, fmt.Sprintf("swarm-%d", first))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		dirs = append(dirs, dir)
		for i := first; i < min(to, first+perProcess); i++ {
			var zip []byte
			if err := api.call(http.MethodPost, "environments/"+environment+"/bundle", map[string]string{"name": fmt.Sprintf("swarm-%d", i)}, &zip); err != nil {
				return nil, err
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.zip", i)), zip, 0o600); err != nil {
				return nil, err
			}
		}
	}
	return dirs, nil
}

// release starts the swarms.
func (b *bench) release(c *stage.Cloud, dirs []string) (*herd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &herd{counts: make([]count, len(dirs))}
	for i, dir := range dirs {
		cmd := exec.Command(self, "swarm", dir, c.Broker)
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		h.processes, h.stdins = append(h.processes, cmd), append(h.stdins, stdin)
		go func() {
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				var c count
				if json.Unmarshal(lines.Bytes(), &c) == nil {
					h.mu.Lock()
					h.counts[i] = c
					h.mu.Unlock()
				}
			}
		}()
	}
	return h, nil
}

// connected is how many agents there are, and when the last change was.
func (h *herd) connected() (int, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, last := 0, int64(0)
	for _, c := range h.counts {
		n += int(c.Connected)
		last = max(last, c.UnixMS)
	}
	return n, time.UnixMilli(last)
}

// await waits for n agents.
func (h *herd) await(n int, limit time.Duration) (time.Time, error) {
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		got, at := h.connected()
		if got >= n {
			return at, nil
		}
		if time.Now().After(deadline) {
			return at, fmt.Errorf("%d of %d agents are connected", got, n)
		}
	}
}

func (h *herd) end() {
	for i, p := range h.processes {
		_ = h.stdins[i].Close()
		_ = p.Wait()
	}
}

// idling is what a gateway takes while its agents do nothing.
type idling struct {
	rss, own float64       // bytes
	cpu      time.Duration // in each second
}

// idles waits until a gateway has settled, for two heartbeats or more, and measures it meanwhile.
func (b *bench) idles(c *stage.Cloud) (i idling, err error) {
	settle := time.Duration(b.size(30, 4)) * time.Second
	before, _ := cpu(c.PID())
	time.Sleep(settle)
	after, _ := cpu(c.PID())
	i.rss, i.own, err = memory(c.PID())
	i.cpu = (after - before) / (settle / time.Second)
	return i, err
}

// agents measures what idle agents cost the gateway, few and many.
func agents(b *bench) error {
	c, err := b.startCloud()
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	n := b.size(9000, 200)
	steps := []int{n / 9, n / 3, n}
	var dirs [][]string
	from := 0
	for _, to := range steps {
		some, err := b.issue(api, from, to)
		if err != nil {
			return err
		}
		dirs, from = append(dirs, some), to
	}
	// A fresh process that knows all servers, so that only sessions are measured.
	c.Stop(30 * time.Second)
	if err := c.Restart(b.ctx); err != nil {
		return err
	}
	without, err := b.idles(c)
	if err != nil {
		return err
	}
	b.row("gateway without agents, RSS", without.rss/1e6, "MB", "")
	for i, to := range steps {
		begin := time.Now()
		h, err := b.release(c, dirs[i])
		if err != nil {
			return err
		}
		defer h.end()
		here := to
		if i > 0 {
			here -= steps[i-1]
		}
		at, err := h.await(here, 5*time.Minute)
		if err != nil {
			return err
		}
		with, err := b.idles(c)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%d TLS agents: ", to)
		b.row(name+"the last ones connected after", at.Sub(begin).Seconds(), "s", "")
		b.row(name+"gateway, RSS", with.rss/1e6, "MB", "")
		b.row(name+"RSS for each", (with.rss-without.rss)/float64(to)/1e3, "KB", "<= 22 KB")
		b.row(name+"of that its own memory", (with.own-without.own)/float64(to)/1e3, "KB", "")
		b.row(name+"processor of the gateway while they idle", 100*with.cpu.Seconds(), "% of a core", "")
	}
	return nil
}

// reconnect kills the gateway and waits for its agents.
func reconnect(b *bench) error {
	c, err := b.startCloud()
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		n      int
		budget string
	}{{1, "< 3 s"}, {b.size(9000, 200), "< 60 s (10,000)"}} {
		sub := &bench{Stage: &stage.Stage{Dir: filepath.Join(b.Dir, fmt.Sprint(step.n))}, ctx: b.ctx}
		if err := os.Mkdir(sub.Dir, 0o700); err != nil {
			return err
		}
		dirs, err := sub.issue(api, 0, step.n)
		if err != nil {
			return err
		}
		h, err := b.release(c, dirs)
		if err != nil {
			return err
		}
		_, err = h.await(step.n, 5*time.Minute)
		if err == nil {
			err = b.restarted(c, h, step.n, step.budget)
		}
		h.end()
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) restarted(c *stage.Cloud, h *herd, n int, budget string) error {
	c.Kill()
	for { // all have noticed
		if left, _ := h.connected(); left == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := c.Restart(b.ctx); err != nil {
		return err
	}
	up := time.Now()
	at, err := h.await(n, 5*time.Minute)
	if err != nil {
		return err
	}
	b.row(fmt.Sprintf("%d agents back after kill -9 and restart of the gateway", n), max(0, at.Sub(up).Seconds()), "s", budget)
	return nil
}
