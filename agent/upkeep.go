package agent

import (
	"context"
	"math"
	"path/filepath"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/agent/order"
)

// roundEvery is the longest time between two rounds of the loop.
const roundEvery = 10 * time.Second

// upkeepMargin is the time that asking the host may take on top of that.
const upkeepMargin = time.Minute

// Late is how long the agent has been stuck, 0 while it makes progress: its loop takes the lock
// that every order needs. A disk that does not answer does not count, because another agent could
// not make it answer: see package fitness.
func (a *Agent) Late() time.Duration { return a.pulse.Late() }

// publishInfo tells the cloud about the host.
func (a *Agent) publishInfo(ctx context.Context) error {
	limits, adjusted := a.current()
	info, round := time.NewTicker(infoEvery(limits)), time.NewTicker(roundEvery)
	defer info.Stop()
	defer round.Stop()
	defer a.pulse.Rest()
	for {
		a.pulse.Within(roundEvery + upkeepMargin)
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
		case <-round.C:
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
	if a.sessions.Current() == nil {
		return
	}
	info := a.Host.Info(ctx)
	if p := a.fitness.Problem(); p != nil {
		info.Unfit = &wire.Unfit{Code: p.Code, Message: plain.Head(p.Message, wire.MaxText), ForMS: max(0, time.Since(p.Since).Milliseconds())}
	}
	now := a.slots.load()
	info.Running, info.FreeSlots, info.Draining = now.occupied, now.free, now.draining
	info.UptimeMS = time.Since(a.started).Milliseconds()
	a.send(&info)
}

// sweepEvery is how often old job folders and Apps are looked for.
const sweepEvery = time.Hour

// sweep removes job folders older than KeepSessions and old versions of Apps, but never what an
// order in the journal needs.
func (a *Agent) sweep(ctx context.Context) error {
	for timer := time.NewTimer(time.Minute); ; timer.Reset(sweepEvery) {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-a.full:
		}
		a.sweepOnce(ctx)
		if bytes, files, err := a.Host.Room(); err == nil {
			a.mu.Lock()
			a.roomy = room{bytes, files}
			a.mu.Unlock()
		}
		select { // a disk that other programs fill is no reason to sweep all the time
		case <-ctx.Done():
			return nil
		case <-time.After(sweepPause):
		}
	}
}

// sweepPause is the least time between two sweeps.
const sweepPause = 30 * time.Second

// room is the free space on the disk with the jobs.
type room struct{ bytes, files uint64 }

// noteRoom asks for a sweep when a tenth of the space that was free after the last one is used.
func (a *Agent) noteRoom(now room) {
	a.mu.Lock()
	before := a.roomy
	if before == (room{}) {
		a.roomy = now
	}
	a.mu.Unlock()
	if now.bytes < before.bytes-before.bytes/10 || now.files < before.files-before.files/10 {
		select {
		case a.full <- struct{}{}:
		default:
		}
	}
}

func (a *Agent) sweepOnce(ctx context.Context) {
	if a.Sweep != nil {
		limits, _ := a.current()
		age := limits.KeepSessions
		if a.ClockTrusted != nil && !a.ClockTrusted() {
			age = math.MaxInt64 // by a clock that may be wrong nothing is old
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

// owns reports whether a session belongs to an order in the journal. An order is journaled before
// its folder is made, so a folder that is about to be removed is certainly not needed if there is
// none.
func (a *Agent) owns(session string) bool {
	ref, ok := order.RefOf(session)
	if !ok {
		return false
	}
	_, known := a.Journal.Get(ref)
	return known
}

// uses reports whether an order in memory needs the App.
func (a *Agent) uses(installed app.App) bool {
	needed := false
	a.slots.each(func(o *order.Order, _ bool) {
		needed = needed || string(o.App().SHA256) == filepath.Base(installed.Dir)
	})
	return needed
}
