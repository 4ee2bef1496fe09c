package cloud

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much garbage, in percent of what lives, comes together before it is collected. Thousands of
// idle sessions make a large heap of which little is garbage: room for half of it again would be
// most of what an idle agent costs. Orders make much garbage, and little room for it would have each
// wait for collections.
const (
	workPercent = 50
	idlePercent = 15
	lookEvery   = 5 * time.Second
)

// collector gives the heap room by what is going on, until ctx ends.
func collector(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	percent := workPercent
	debug.SetGCPercent(percent)
	for last := heap(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := heap()
		next := roomFor(now.allocated-last.allocated, now.live, percent)
		last = now
		if next == percent {
			continue
		}
		percent = next
		debug.SetGCPercent(percent)
		if percent == idlePercent {
			debug.FreeOSMemory() // what the work needed
		}
	}
}

// roomFor decides by what was allocated since the last look. It is idleness if a collection comes
// more seldom than a look even with little room, and work if three of them would come.
func roomFor(allocated, live uint64, percent int) int {
	room := live * idlePercent / 100
	switch {
	case allocated > 3*room:
		return workPercent
	case allocated < room:
		return idlePercent
	default:
		return percent
	}
}

// heapState is what was ever allocated and what the last collection found alive, in bytes.
type heapState struct{ allocated, live uint64 }

func heap() heapState {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return heapState{s[0].Value.Uint64(), s[1].Value.Uint64()}
}
