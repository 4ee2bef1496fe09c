package agent

import (
	"context"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/wire"
)

// diskEvery is how often a full disk is looked at again.
const diskEvery = 10 * time.Second

// upkeepMargin is how long looking at the host may take, on top.
const upkeepMargin = time.Minute

// Late is how long the agent has been stuck: its loop takes the lock that every
// order needs and looks at the disk that jobs need. 0 while it goes round.
func (a *Agent) Late() time.Duration { return a.pulse.Late() }

// publishInfo tells the cloud about the host, and looks after the disk.
func (a *Agent) publishInfo(ctx context.Context) error {
	limits, adjusted := a.current()
	info, disk := time.NewTicker(infoEvery(limits)), time.NewTicker(diskEvery)
	defer info.Stop()
	defer disk.Stop()
	defer a.pulse.Rest()
	for {
		a.pulse.Within(diskEvery + upkeepMargin)
		select {
		case <-ctx.Done():
			return nil
		case <-adjusted:
			limits, adjusted = a.current()
			info.Reset(infoEvery(limits))
			a.sendInfo(ctx)
		case <-info.C:
			a.sendInfo(ctx)
		case <-a.wantInfo:
			a.sendInfo(ctx)
		case <-disk.C:
			a.checkDisk()
			a.grant()
		}
	}
}

func infoEvery(l Limits) time.Duration {
	if l.InfoEvery <= 0 {
		return time.Minute
	}
	return l.InfoEvery
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

// checkDisk finds out whether the disk is too full for another order, or
// cannot be written; then it also tries whether it can again.
func (a *Agent) checkDisk() {
	ready := a.Journal.Ready() // it says in the log why not
	free, err := a.Host.DiskFree()
	if err != nil {
		a.Logger.Debug("free space is not known", "err", err)
		if ready == nil {
			return
		}
	}
	low := free < a.DiskReserve || ready != nil
	a.mu.Lock()
	changed := a.diskLow != low
	a.diskLow = low
	a.mu.Unlock()
	if ready != nil {
		return
	}
	if changed && low {
		a.Logger.Error("taking no orders: the file system of the job folders is nearly full", "free_bytes", free, "reserve_bytes", a.DiskReserve)
	} else if changed {
		a.Logger.Info("taking orders again: there is space, and it can be written", "free_bytes", free)
	}
}

// sweepEvery is how often old job folders and Apps are looked for.
const sweepEvery = time.Hour

// sweep removes job folders older than KeepSessions and old versions of Apps,
// never what an order in the journal needs.
func (a *Agent) sweep(ctx context.Context) error {
	for timer := time.NewTimer(time.Minute); ; timer.Reset(sweepEvery) {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		a.sweepOnce(ctx)
	}
}

func (a *Agent) sweepOnce(ctx context.Context) {
	if a.Sweep != nil {
		limits, _ := a.current()
		age := limits.KeepSessions
		if a.ClockTrusted != nil && !a.ClockTrusted() {
			age = math.MaxInt64 // nothing is old, by a clock that may be wrong
		}
		if err := a.Sweep(ctx, age, a.owns); err != nil {
			a.Logger.Warn("old job folders were not all removed", "err", err)
		}
	}
	if a.Prune != nil {
		if err := a.Prune(a.uses); err != nil {
			a.Logger.Warn("old versions of Apps were not all removed", "err", err)
		}
	}
}

// owns reports whether a session belongs to an order in the journal. It is
// asked when the folder is about to go: an order is journaled before its folder is made.
func (a *Agent) owns(session string) bool {
	order, attempt, _ := cutLast(session, ".")
	n, err := strconv.Atoi(attempt)
	if err != nil {
		return false
	}
	_, known := a.Journal.Get(wire.Ref{Order: wire.OrderID(order), Attempt: wire.Attempt(n)})
	return known
}

// uses reports whether an order that is here needs the App.
func (a *Agent) uses(installed app.App) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.orders {
		if string(o.spec.App.SHA256) == filepath.Base(installed.Dir) {
			return true
		}
	}
	return false
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
