package order

import (
	"context"
	"math/rand/v2"
	"time"

	"tcenvsvr/agent/link/wire"
)

// maxJournalRetry bounds the time between two tries to journal a result.
const maxJournalRetry = 10 * time.Second

// report puts the result into the outbox, durably, and delivers it.
func (o *Order) report(ctx context.Context, result wire.Result, logs *logs) {
	o.c.Logger.Info("order ended", "order", o.ref.String(), "outcome", string(result.Outcome),
		"exit_code", result.ExitCode, "error", result.Error, "run_ms", result.RunMS)
	o.mu.Lock()
	o.result = &result
	o.mu.Unlock()
	for wait := time.Second; ; wait = min(2*wait, maxJournalRetry) {
		err := o.c.Journal.Finish(result)
		if err == nil {
			break
		}
		o.c.Logger.Error("result not journaled, trying again", "order", o.ref.String(), "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
	o.c.ended(o, result)
	if err := o.c.Jobs.Noted(ctx, o.dir(), o.shim); err != nil && ctx.Err() == nil {
		o.c.Logger.Warn("a shim that keeps the end of its job was not told that it may go", "order", o.ref.String(), "err", err)
	}
	o.deliver(ctx, result, logs)
}

// deliver sends a result of the outbox, behind the rest of the log, in every session anew until the
// cloud has acknowledged it.
func (o *Order) deliver(ctx context.Context, result wire.Result, logs *logs) {
	var offers unclaimed
	for {
		s := o.c.Sessions.wait(ctx)
		if s == nil {
			return
		}
		if logs != nil {
			if err := logs.pump(ctx, s); err != nil && ctx.Err() == nil {
				o.c.Logger.Debug("log was not sent to its end", "order", o.ref.String(), "err", err)
			}
		}
		if err := o.c.Link.SendLast(ctx, s.Epoch, &result); err != nil && ctx.Err() == nil {
			o.c.Logger.Debug("result was not sent", "order", o.ref.String(), "err", err)
		}
		select {
		case <-o.acked:
			o.acknowledged()
			return
		case <-o.unknown:
			if !o.offerAgain(ctx, &offers, s) {
				return
			}
		case <-o.ending.done:
			if o.fenced() {
				o.c.Forget(o.ref)
				return
			}
			select { // cancelled after its end: the result stands
			case <-o.acked:
				o.acknowledged()
				return
			case <-o.unknown:
				if !o.offerAgain(ctx, &offers, s) {
					return
				}
			case <-s.lost:
			case <-ctx.Done():
				return
			}
		case <-s.lost:
		case <-ctx.Done():
			return
		}
	}
}

// Acknowledge says that the cloud has the order's result. It may be called again, and does not wait
// for the disk.
func (o *Order) Acknowledge() {
	o.mu.Lock()
	defer o.mu.Unlock()
	closeOnce(o.acked)
}

// acknowledged removes an order whose result the cloud has. The reader of the session does not do
// it, because it would wait for a frozen disk.
func (o *Order) acknowledged() {
	o.c.Forget(o.ref)
	if o.c.Tidy != nil {
		o.c.Tidy(o.session())
	}
}

// What becomes of a result when the cloud has no record of its order. That is no reason to delete
// it: the cloud's store may have been restored from an older state, or the record may come to light
// again. The result stays in the outbox and is offered again, less and less often, in every session
// and for a bounded time.
const (
	firstOffer   = 10 * time.Second
	maxOfferWait = 10 * time.Minute
	// keepUnclaimed is the time from the first such answer, while the agent runs, until the result
	// is given up.
	keepUnclaimed = 7 * 24 * time.Hour
)

// unclaimed counts the offers of one result of whose order the cloud has no record.
type unclaimed struct {
	since time.Time
	wait  time.Duration
}

// Disown says that the cloud has no record of the order.
func (o *Order) Disown() {
	select {
	case o.unknown <- struct{}{}:
	default: // it is on its way already
	}
}

// offerAgain waits until the result may be offered once more. It is false when the result is not to
// be offered: it was acknowledged or given up, or the agent stops.
func (o *Order) offerAgain(ctx context.Context, u *unclaimed, s *Session) bool {
	if u.since.IsZero() {
		u.since, u.wait = time.Now(), firstOffer
		o.mu.Lock()
		o.unclaimed = true
		o.mu.Unlock()
		o.c.Agent.Disowned(o)
		o.c.Logger.Warn("the cloud has no record of an order: its result is kept and offered again", "order", o.ref.String(), "for", keepUnclaimed)
	}
	if time.Since(u.since) > keepUnclaimed {
		o.c.Logger.Error("result given up: the cloud has had no record of its order for too long", "order", o.ref.String(), "since", u.since)
		o.c.Forget(o.ref)
		return false
	}
	timer := time.NewTimer(u.wait/2 + rand.N(u.wait/2))
	defer timer.Stop()
	u.wait = min(2*u.wait, maxOfferWait)
	select {
	case <-timer.C:
	case <-s.lost:
	case <-o.acked:
		o.acknowledged()
		return false
	case <-ctx.Done():
		return false
	}
	return true
}
