package test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// TestStorm gives small orders without a pause while one thing after the other breaks below a cloud
// and an agent: processes are killed, disks go away, fill up, freeze, become read-only. Nobody
// helps; only what was killed or has ended is started again, as a service manager does. After each
// cause orders run again, and at the end every order has ended as what it was, each attempt was
// started at most once, and nothing is left.
//
// TCENVSVR_LONG=1 makes every fault several times, TCENVSVR_SEED another order of them.
func TestStorm(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Root(t)
	need.Python(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TCENVSVR_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("reading TCENVSVR_SEED: %v", err)
		}
	}
	t.Logf("TCENVSVR_SEED=%d makes the same faults in the same order", seed)
	w := newStorm(t, seed)
	ctx, stop := context.WithCancel(w.ctx)
	var load sync.WaitGroup
	load.Go(func() { w.load(ctx) })
	faults := w.faults()
	rounds, end := 1, time.Now().Add(20*time.Second)
	if long() {
		rounds, end = 3, time.Now().Add(limit-4*time.Minute)
	}
	for range rounds {
		w.rand.Shuffle(len(faults), func(i, k int) { faults[i], faults[k] = faults[k], faults[i] })
		for _, f := range faults {
			if time.Now().Before(end) && !t.Failed() {
				w.suffer(f)
			}
		}
	}
	stop()
	load.Wait()
	w.verify()
}

// storm is a scene with a disk below each side, and what was seen.
type storm struct {
	*scene
	cloud      *stage.Cloud
	operator   *stage.Cloud // the same, as somebody without access to its disk has it
	agent      *stage.Agent
	home, data *disk.Disk
	rand       *rand.Rand // of the faults

	mu     sync.Mutex
	given  map[string]time.Time  // orders that were taken, and when
	ended  map[string]wire.State // as it was told first
	killed map[string]bool       // attempts whose shim was killed
	sick   []span                // when the agent's disk failed Apps, too
	lost   []time.Time           // when the cloud's disk lost what was not synced
}

type span struct{ from, to time.Time }

var stormFlags = []string{"--appsRunner", "none", "--appsNumberofJobExecutors", "4", "--appsIsolation", "off"}

func newStorm(t *testing.T, seed uint64) *storm {
	home, data := disk.New(t, disk.Inodes(20_000)), disk.New(t, disk.Size(1<<30), disk.Inodes(20_000))
	s := newScene(t)
	for name, d := range map[string]*disk.Disk{"one": home, "cloud": data} {
		s.must(os.Mkdir(filepath.Join(d.Dir, "it"), 0o755), "making a folder on a disk")
		s.must(os.Symlink(filepath.Join(d.Dir, "it"), filepath.Join(s.Dir, name)), "placing it")
	}
	w := &storm{scene: s, home: home, data: data, rand: rand.New(rand.NewPCG(seed, 11)),
		given: map[string]time.Time{}, ended: map[string]wire.State{}, killed: map[string]bool{}}
	w.cloud = s.cloud("lab")
	s.add(w.cloud, "sleep")
	w.operator = w.from(w.cloud)
	w.agent = s.agent(w.cloud, "lab", "one", stormFlags...)
	id, err := s.sleeper(w.cloud, "lab", "storm", 0)
	s.must(err, "giving an order")
	s.waitEnd(w.cloud, id)
	return w
}

// from is a cloud as it is used from another disk.
func (w *storm) from(c *stage.Cloud) *stage.Cloud {
	var at map[string]any
	text, err := os.ReadFile(filepath.Join(c.Data, "endpoint.json"))
	w.must(err, "reading where the cloud listens")
	w.must(json.Unmarshal(text, &at), "reading where the cloud listens")
	dir := filepath.Join(w.Dir, "operator")
	w.must(os.Mkdir(dir, 0o700), "making an operator's folder")
	for key, name := range map[string]string{"ca": "ca.pem", "token_file": "admin.token"} {
		from, to := at[key].(string), filepath.Join(dir, name)
		data, err := os.ReadFile(from)
		w.must(err, "copying what an operator needs")
		w.must(os.WriteFile(to, data, 0o600), "copying what an operator needs")
		at[key] = to
	}
	text, err = json.Marshal(at)
	w.must(err, "writing where the cloud listens")
	w.must(os.WriteFile(filepath.Join(dir, "endpoint.json"), text, 0o600), "writing where the cloud listens")
	o := *c
	o.Data = dir
	return &o
}

// load gives orders until ctx ends; never so many that they would only wait.
func (w *storm) load(ctx context.Context) {
	r := rand.New(rand.NewPCG(7, 7))
	for ctx.Err() == nil {
		seconds := []float64{0, 0.2, 1, 3, 8}[r.IntN(5)]
		var flags []string
		if r.IntN(3) == 0 {
			flags = append(flags, "--retryable")
		}
		w.mu.Lock()
		waiting := len(w.given) - len(w.ended)
		w.mu.Unlock()
		if waiting < 12 {
			_, _ = w.give(seconds, flags...) // while the cloud takes none that is what it says
		}
		w.look()
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// give gives an order that counts when it was taken.
func (w *storm) give(seconds float64, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	begun := time.Now()
	out, err := w.operator.Do(ctx, append([]string{"run", "lab", "Test_-_Sleep", "--detach", "--param", fmt.Sprint("seconds=", seconds),
		"--param", "marker_file=" + w.markFile("storm")}, flags...)...)
	id := strings.TrimSpace(out)
	if err == nil {
		w.mu.Lock()
		w.given[id] = begun
		w.mu.Unlock()
	}
	return id, err
}

// look notes which orders the cloud says have ended, and as what.
func (w *storm) look() []execution {
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	var all []execution
	if w.operator.JSON(ctx, &all, "execution", "list", "--limit", "1000") != nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range all {
		if _, ours := w.given[e.ID]; !ours || !e.Ended {
			continue
		}
		if was, told := w.ended[e.ID]; told && was != e.State {
			w.t.Errorf("order %s was told to have ended %s, and now %s", e.ID, was, e.State)
		}
		w.ended[e.ID] = e.State
	}
	return all
}

// verify waits for the end of all orders and holds them against what their Apps wrote.
func (w *storm) verify() {
	if w.t.Failed() {
		return
	}
	ends := w.ends()
	starts := w.sessions()
	for session, n := range starts {
		if n > 1 {
			w.t.Errorf("attempt %s was started %d times", session, n)
		}
	}
	states := map[wire.State]int{}
	logs := 10 // are looked at, of orders in no order
	for id, e := range ends {
		given := w.given[id]
		states[e.State]++
		session := fmt.Sprintf("%s.%d", id, e.Attempt)
		switch {
		case e.State == wire.State(wire.Succeeded):
			if starts[session] != 1 {
				w.t.Errorf("attempt %s succeeded and was started %d times", session, starts[session])
			}
			// What was written to a disk that was lost in that moment is lost.
			if logs--; logs >= 0 && !w.wasSick(given, e.EndedAt) && !w.wasLost(given, e.EndedAt) {
				w.logged(id)
			}
		case e.State == wire.State(wire.Failed) && w.wasSick(given, e.EndedAt): // the App itself could not write, and says so
		case e.State == wire.State(wire.Interrupted) && w.killed[session]:
		default:
			w.t.Errorf("order %s ended %s in attempt %d: %s %s %s", id, e.State, e.Attempt, e.Error, e.Message, e.Reason)
		}
		for attempt := wire.Attempt(1); attempt < e.Attempt; attempt++ { // an earlier one that ran must have had a reason
			if before := fmt.Sprintf("%s.%d", id, attempt); !w.killed[before] && starts[before] > 0 {
				w.t.Errorf("attempt %s was run and given up: %+v", before, e)
			}
		}
	}
	w.t.Logf("%d orders: %v", len(w.given), states)
	w.waitIdle(w.agent)
	w.eventually("waiting until no App is left", func() error { return w.appGone("storm") })
	w.agent.Stop(30 * time.Second)
	w.eventually("waiting until nothing of the agent is left", func() error {
		for pid, what := range processesIn(w.Dir) {
			if pid != w.cloud.PID() {
				return fmt.Errorf("process %d: %s", pid, what)
			}
		}
		return nil
	})
}

// ends waits until the cloud says of all orders that it took how they ended.
func (w *storm) ends() map[string]execution {
	all := map[string]execution{}
	w.eventually("waiting for the end of all orders", func() error {
		for _, e := range w.look() {
			if _, ours := w.given[e.ID]; ours && e.Ended {
				all[e.ID] = e
			}
		}
		for id := range w.given {
			if _, ended := all[id]; !ended {
				return fmt.Errorf("order %s has not ended", id)
			}
		}
		return nil
	})
	return all
}

// logged checks that all of an order's output is there, and the file that it published.
func (w *storm) logged(id string) {
	var shown struct {
		Files []wire.File `json:"files"`
	}
	w.must(w.operator.JSON(w.ctx, &shown, "execution", "show", id), "looking at an order")
	if len(shown.Files) != 1 || shown.Files[0].Error != "" || shown.Files[0].Size != 33 {
		w.t.Errorf("order %s succeeded and has the files %+v", id, shown.Files)
	}
	text, err := w.operator.Do(w.ctx, "execution", "logs", id, "--stream", "stdout")
	if err != nil || !strings.Contains(text, "started ") || !strings.Contains(text, "ended ") {
		w.t.Errorf("order %s succeeded and its log is %q %v", id, text, err)
	}
}

// sessions counts the starts of each attempt, as the Apps themselves wrote them down.
func (w *storm) sessions() map[string]int {
	text, err := os.ReadFile(w.markFile("storm"))
	w.must(err, "reading the marks of Apps")
	starts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		starts[strings.Fields(line)[2]]++
	}
	return starts
}

func (w *storm) wasSick(from, to time.Time) bool {
	return slices.ContainsFunc(w.sick, func(s span) bool { return s.from.Before(to) && from.Before(s.to) })
}

// wasLost is true where the cloud's disk was lost while an order ran or soon after: logs are synced
// each second.
func (w *storm) wasLost(from, to time.Time) bool {
	return slices.ContainsFunc(w.lost, func(at time.Time) bool { return from.Before(at) && at.Before(to.Add(5*time.Second)) })
}
