package agent

import (
	"sync"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// recover puts every order of the journal where the last agent left it.
func (a *Agent) recover() {
	a.endStrayJobs()
	if lost := a.tellLost(); lost != "" {
		a.mu.Lock()
		a.lost = lost
		a.mu.Unlock()
	}
	a.Guard.Recover(func(ref wire.Ref) bool { _, known := a.Journal.Get(ref); return known })
	var looked sync.WaitGroup // until it is known which jobs run
	for _, e := range a.Journal.Entries() {
		o := order.New(&a.common, e.Order)
		a.slots.restore(o, e.Result != nil)
		looked.Add(1)
		a.group.Go(func() error {
			defer a.Remove(o)
			o.Resume(a.ctx, e, sync.OnceFunc(looked.Done))
			return nil
		})
	}
	a.group.Go(func() error {
		looked.Wait()
		close(a.lookedForAll)
		a.sweepStrays(a.ctx)
		return nil
	})
}
