package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestKilledCloud is the process that TestKill kills. It says its address, then for each line it
// reads submits an order and says its id, or for "list" says all executions.
func TestKilledCloud(t *testing.T) {
	dir := os.Getenv("TCCLOUD_KILL")
	if dir == "" {
		t.Skip("only started by TestKill")
	}
	ca, err := rig.LoadCA(filepath.Join(dir, "ca"))
	if err != nil {
		t.Fatal(err)
	}
	c := rig.Start(t, rig.Options{Dir: filepath.Join(dir, "store"), CA: ca})
	fmt.Println("ADDR", c.Gateway.Addr())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if in.Text() == "list" {
			var list []dispatch.Execution
			for cursor, more := "", true; more; more = cursor != "" {
				page, err := c.Dispatcher.List(t.Context(), dispatch.Filter{}, cursor, dispatch.MostListed)
				if err != nil {
					t.Fatal(err)
				}
				list, cursor = append(list, page.Executions...), page.Next
			}
			data, err := json.Marshal(list)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println("LIST", string(data))
			continue
		}
		go func() {
			if e, err := c.Dispatcher.Submit(t.Context(), rig.Request()); err == nil {
				fmt.Println("ID", e.ID)
			}
		}()
	}
}

// child is a cloud in a process of its own.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	addr  string
	ids   chan wire.OrderID
	lists chan []dispatch.Execution
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], "-test.run", "^TestKilledCloud$", "-test.v"), ids: make(chan wire.OrderID, 10_000), lists: make(chan []dispatch.Execution, 1)}
	c.cmd.Env = append(os.Environ(), "TCCLOUD_KILL="+dir)
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for c.addr == "" {
		if !lines.Scan() {
			t.Fatal("the cloud did not start")
		}
		c.addr, _ = strings.CutPrefix(lines.Text(), "ADDR ")
		if c.addr == lines.Text() {
			c.addr = ""
		}
	}
	go func() {
		defer close(c.ids)
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "ID "); ok {
				c.ids <- wire.OrderID(id)
			}
			if data, ok := strings.CutPrefix(lines.Text(), "LIST "); ok {
				var list []dispatch.Execution
				if err := json.Unmarshal([]byte(data), &list); err != nil {
					t.Error(err)
				}
				c.lists <- list
			}
		}
	}()
	return c
}

// worker is an agent that keeps the rules: what it promised survives in its journal, nothing in the
// journal is started twice.
type worker struct {
	t       *testing.T
	ca      *rig.CA
	xid     wire.ServerXID
	mu      sync.Mutex
	journal map[wire.Ref]wire.State
	results map[wire.Ref]bool
	starts  map[wire.OrderID]int // shared by all workers
	all     *sync.Mutex          // of starts
}

// live keeps one session until it breaks.
func (w *worker) live(addr string) {
	a, err := rig.JoinAt(w.t, w.ca, addr, w.xid, 4, rig.Dialing{Hello: func(h *wire.Hello) {
		w.mu.Lock()
		defer w.mu.Unlock()
		h.Slots = 4 - len(w.journal)
		for r, s := range w.journal {
			h.Orders = append(h.Orders, wire.InFlight{Ref: r, State: s})
		}
		for r := range w.results {
			h.Results = append(h.Results, r)
		}
	}})
	if err != nil {
		return
	}
	defer a.Kill()
	w.mu.Lock()
	for _, r := range a.Welcome.Fenced {
		delete(w.journal, r)
		a.Conn.Write(&wire.Credit{N: 1})
	}
	for r, s := range w.journal {
		if s == wire.StateAccepted { // held since the last session
			a.Conn.Write(&wire.Ready{Ref: r})
		}
	}
	for r := range w.results {
		a.Conn.Write(rig.Result(r))
	}
	w.mu.Unlock()
	for {
		m, err := a.Recv()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *wire.Order:
			hold := rand.IntN(3) == 0
			w.mu.Lock()
			w.journal[m.Ref] = wire.StateAccepted
			w.mu.Unlock()
			a.Conn.Write(&wire.Accepted{Ref: m.Ref, Hold: hold})
			if hold {
				a.Conn.Write(&wire.Ready{Ref: m.Ref})
			} else {
				w.start(a, m.Ref)
			}
		case *wire.Start:
			w.start(a, m.Ref)
		case *wire.Cancel:
			w.mu.Lock()
			delete(w.journal, m.Ref)
			w.mu.Unlock()
		case *wire.ResultAck:
			w.mu.Lock()
			delete(w.results, m.Ref)
			w.mu.Unlock()
		}
	}
}

// start runs the order's App, once.
func (w *worker) start(a *rig.Agent, r wire.Ref) {
	w.mu.Lock()
	fresh := w.journal[r] == wire.StateAccepted
	if fresh {
		w.journal[r] = wire.StateRunning
	}
	w.mu.Unlock()
	if !fresh {
		return
	}
	w.all.Lock()
	w.starts[r.Order]++
	w.all.Unlock()
	a.Conn.Write(&wire.Progress{Ref: r, State: wire.StateRunning})
	time.AfterFunc(time.Duration(rand.IntN(20))*time.Millisecond, func() {
		w.mu.Lock()
		delete(w.journal, r)
		w.results[r] = true
		w.mu.Unlock()
		a.Conn.Write(rig.Result(r))
		a.Conn.Write(&wire.Credit{N: 1})
	})
}

// TestKill kills the cloud with SIGKILL again and again while orders are handed in and two agents
// work. Every order that Submit confirmed ends well and was started exactly once.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	ca := rig.NewCA(t)
	if err := ca.Save(filepath.Join(dir, "ca")); err != nil {
		t.Fatal(err)
	}
	var all sync.Mutex
	starts := map[wire.OrderID]int{}
	var workers []*worker
	for _, xid := range []wire.ServerXID{"s1", "s2"} {
		workers = append(workers, &worker{
			t: t, ca: ca, xid: xid, journal: map[wire.Ref]wire.State{}, results: map[wire.Ref]bool{}, starts: starts, all: &all,
		})
	}
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	var confirmed []wire.OrderID
	for round := range rounds + 1 {
		last := round == rounds
		c := startChild(t, dir)
		var wg sync.WaitGroup
		for _, w := range workers {
			wg.Go(func() { w.live(c.addr) })
		}
		if last {
			settle(t, c, confirmed)
		} else {
			for range 100 + rand.IntN(100) {
				fmt.Fprintln(c.in)
				time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
			}
		}
		c.cmd.Process.Kill()
		for id := range c.ids {
			confirmed = append(confirmed, id)
		}
		c.cmd.Wait()
		wg.Wait()
	}
	for _, id := range confirmed {
		if starts[id] != 1 {
			t.Errorf("order %s was started %d times", id, starts[id])
		}
	}
	for id, n := range starts {
		if n != 1 {
			t.Errorf("order %s was started %d times", id, n)
		}
	}
	t.Logf("%d orders confirmed, %d started, %d kills", len(confirmed), len(starts), rounds)
}

// settle waits until nothing is under way and checks how the confirmed orders ended.
func settle(t *testing.T, c *child, confirmed []wire.OrderID) {
	t.Helper()
	for end := time.Now().Add(2 * rig.Timeout); ; time.Sleep(50 * time.Millisecond) {
		fmt.Fprintln(c.in, "list")
		open, found := 0, map[wire.OrderID]dispatch.Execution{}
		for _, e := range <-c.lists {
			found[e.ID] = e
			if !e.Terminal() {
				open++
			}
		}
		if open > 0 && time.Now().Before(end) {
			continue
		}
		for _, id := range confirmed {
			if e, ok := found[id]; !ok || e.State != wire.State(wire.Succeeded) {
				t.Errorf("order %s is in state %q: %+v", id, e.State, e)
			}
		}
		return
	}
}
