package agent

import (
	"maps"
	"slices"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// Tally counts the orders that ended since the agent's start.
type Tally struct {
	Outcomes map[wire.Outcome]int64
	Returned int64 // given back, without an outcome
	// Runs counts Apps that ran to their end, services excepted, by how long: Runs[i] took at most
	// RunBounds[i], and the last one took longer. RunTime is the sum.
	Runs    []int64
	RunTime time.Duration
}

// RunBounds are those of Tally.Runs.
var RunBounds = []time.Duration{
	100 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second, 15 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour,
}

// Tally returns what was counted so far.
func (a *Agent) Tally() Tally {
	a.tally.mu.Lock()
	defer a.tally.mu.Unlock()
	t := a.tally.now
	t.Outcomes, t.Runs = maps.Clone(t.Outcomes), slices.Clone(t.Runs)
	return t
}

// tally counts. Its zero value is ready for use.
type tally struct {
	mu  sync.Mutex
	now Tally
}

func (t *tally) add(o *order.Order, r wire.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Returned {
		t.now.Returned++
		return
	}
	if t.now.Outcomes == nil {
		t.now.Outcomes, t.now.Runs = map[wire.Outcome]int64{}, make([]int64, len(RunBounds)+1)
	}
	t.now.Outcomes[r.Outcome]++
	if ran := time.Duration(r.RunMS) * time.Millisecond; ran > 0 && !o.IsService() {
		i, _ := slices.BinarySearch(RunBounds, ran)
		t.now.Runs[i]++
		t.now.RunTime += ran
	}
}
