package agent

import (
	"context"
	"time"
)

// diskEvery is how often a full disk is looked at again.
const diskEvery = 10 * time.Second

// publishInfo tells the cloud about the host, and looks after the disk.
func (a *Agent) publishInfo(ctx context.Context) error {
	every := a.InfoEvery
	if every <= 0 {
		every = time.Minute
	}
	info, disk := time.NewTicker(every), time.NewTicker(diskEvery)
	defer info.Stop()
	defer disk.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-info.C:
			a.sendInfo(ctx)
		case <-disk.C:
			a.checkDisk()
			a.grant()
		}
	}
}

func (a *Agent) sendInfo(ctx context.Context) {
	if a.session.current() == nil {
		return
	}
	info := a.Host.Info(ctx)
	a.mu.Lock()
	info.Running, info.FreeSlots, info.Draining = a.active, a.free(), a.draining
	a.mu.Unlock()
	info.UptimeMS = time.Since(a.started).Milliseconds()
	a.send(&info)
}

// checkDisk finds out whether the disk is too full for another order.
func (a *Agent) checkDisk() {
	free, err := a.Host.DiskFree()
	if err != nil {
		a.Logger.Debug("free space is not known", "err", err)
		return
	}
	low := free < a.DiskReserve
	a.mu.Lock()
	changed := a.diskLow != low
	a.diskLow = low
	a.mu.Unlock()
	if changed && low {
		a.Logger.Error("taking no orders: the file system of the job folders is nearly full", "free_bytes", free, "reserve_bytes", a.DiskReserve)
	} else if changed {
		a.Logger.Info("taking orders again: there is space", "free_bytes", free)
	}
}

// sweepEvery is how often old job folders are looked for.
const sweepEvery = time.Hour

// sweepSessions removes job folders older than KeepSessions, never those
// of orders that are still in the journal.
func (a *Agent) sweepSessions(ctx context.Context) error {
	if a.Sweep == nil || a.KeepSessions <= 0 {
		return nil
	}
	for timer := time.NewTimer(time.Minute); ; timer.Reset(sweepEvery) {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		live := map[string]bool{}
		for _, e := range a.Journal.Entries() {
			live[e.Order.Ref.String()] = true
		}
		if err := a.Sweep(ctx, a.KeepSessions, func(session string) bool { return live[session] }); err != nil {
			a.Logger.Warn("old job folders were not all removed", "err", err)
		}
	}
}
