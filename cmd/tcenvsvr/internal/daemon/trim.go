package daemon

import (
	"context"
	"time"

	"tcenvsvr/agent/host/memory"
)

const (
	startIsOver = 10 * time.Second // then memory that only the start needed is given back
	trimEvery   = 2 * time.Minute  // and what has come together since, if nothing runs
)

// trim gives back the memory of the start, and then that of the work which is over: parsing CAs and
// settings, and many orders at once, leave more pages than an idle agent needs, and the garbage
// collector would keep them.
func (d *daemon) trim(ctx context.Context) {
	timer := time.NewTimer(startIsOver)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		if d.agent.Status().Active == 0 {
			memory.Trim()
		}
		timer.Reset(trimEvery)
	}
}
