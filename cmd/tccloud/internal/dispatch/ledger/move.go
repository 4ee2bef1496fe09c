package ledger

import (
	"context"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/archive"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// moveEvery is the longest pause between two moves to the archive, and mostMoved how many
	// executions go at a time.
	moveEvery = time.Minute
	mostMoved = 10_000
	// movedFor is how long an execution keeps its key after it is in the archive, for gateways that
	// do not know that yet, and forgetMoved when a gateway without the lease leaves it to that which
	// has it.
	movedFor    = time.Minute
	forgetMoved = 10 * movedFor
)

// moved is an execution that is in the archive and may have its key still.
type moved struct {
	record.Place
	revision uint64
	since    time.Time
}

// move moves executions to the archive that ended a while ago, and removes their keys, while this
// gateway has the archive's lease, until ctx ends.
func (l *Ledger) move(ctx context.Context) error {
	tick := time.NewTicker(min(moveEvery, max(l.cfg.MoveAfter/10, 10*time.Millisecond)))
	defer tick.Stop()
	var logged time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := l.moveOnce(ctx); err != nil && ctx.Err() == nil && time.Since(logged) > logEvery {
			logged = time.Now()
			l.cfg.Logger.Warn("ended executions were not moved to the archive, trying again", "err", err)
		}
	}
}

func (l *Ledger) moveOnce(ctx context.Context) error {
	if err := l.compare(ctx); err != nil {
		return err
	}
	if !l.Mine() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for len(l.moved) > 0 && time.Since(l.moved[0].since) > forgetMoved {
			l.moved = l.moved[1:]
		}
		return nil
	}
	for {
		due := l.due()
		if len(due) > 0 {
			if err := l.archive.Add(ctx, due); err != nil { // and Grown evicts them
				return err
			}
		}
		if len(due) < mostMoved {
			break
		}
	}
	return l.removeMoved(ctx)
}

// compare brings memory up to date with an archive to which another gateway has moved what was not
// known here to have ended: its watch was broken for that long.
func (l *Ledger) compare(ctx context.Context) error {
	l.mu.Lock()
	var ended []wire.OrderID
	for id, e := range l.active {
		if l.archive.Has(e.rec.Place()) {
			ended = append(ended, id)
		}
	}
	l.mu.Unlock()
	for _, id := range ended {
		if _, err := l.Fresh(ctx, id); err != nil {
			return err
		}
	}
	l.grown(record.Place{}, archive.Last)
	return nil
}

// due returns executions that are to be moved.
func (l *Ledger) due() []*record.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*record.Record
	for _, m := range l.timeline.items {
		if e := m.entry; !e.gone && e.rec.Terminal() && len(e.notes) == 0 && time.Since(e.since) > l.cfg.MoveAfter {
			if all = append(all, e.rec); len(all) == mostMoved {
				break
			}
		}
	}
	return all
}

// grown takes out of memory what is in the archive now.
func (l *Ledger) grown(from, to record.Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lo, hi := l.timeline.before(from), l.timeline.before(to)
	var all []*entry
	for _, m := range l.timeline.items[lo:hi] {
		if e := m.entry; !e.gone && e.rec.Terminal() && l.archive.Has(m.Place) {
			all = append(all, e)
		}
	}
	for _, e := range all {
		l.evict(e)
	}
}

// evict takes an entry out of memory, because the archive has it. Ledger.mu is held.
func (l *Ledger) evict(e *entry) {
	p := e.rec.Place()
	delete(l.entries, p.ID)
	delete(l.noted, p.ID)
	l.timeline.drop(e)
	if days := l.envs[e.rec.Environment].days; days[day(e.rec.Created)] > 1 {
		days[day(e.rec.Created)]--
	} else {
		delete(days, day(e.rec.Created))
	}
	l.moved = append(l.moved, moved{p, e.rev, time.Now()})
}

// removeMoved removes the keys of executions that have been in the archive for long enough, and are
// there.
func (l *Ledger) removeMoved(ctx context.Context) error {
	l.mu.Lock()
	var old []moved
	for _, m := range l.moved {
		if time.Since(m.since) <= min(movedFor, l.cfg.MoveAfter) {
			break
		}
		old = append(old, m)
	}
	l.mu.Unlock()
	if len(old) == 0 {
		return nil
	}
	places := make([]record.Place, len(old))
	for i, m := range old {
		places[i] = m.Place
	}
	holds, err := l.archive.Holds(ctx, places)
	if err != nil {
		return err
	}
	keys := map[string]uint64{}
	for _, m := range old {
		if holds[m.Place] {
			keys[string(m.ID)] = m.revision
		}
	}
	if err := l.cfg.Store.Remove(ctx, bucketName, keys); err != nil {
		return fmt.Errorf("removing the keys of executions: %w", err)
	}
	l.mu.Lock()
	l.moved = l.moved[len(old):]
	l.mu.Unlock()
	return nil
}
