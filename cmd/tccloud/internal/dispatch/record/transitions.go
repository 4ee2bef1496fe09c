package record

import (
	"fmt"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Deliver gives the queued attempt to a session.
func (r *Record) Deliver(attempt wire.Attempt, server wire.ServerXID, epoch int64, journal string, now time.Time) error {
	if r.State != wire.StateQueued || r.Attempt != attempt {
		return ErrStale
	}
	r.State, r.Server, r.Epoch, r.Journal, r.Delivered = wire.StateDelivered, server, epoch, journal, Stamp(now)
	return nil
}

// Accept records that the agent has the order in its journal.
func (r *Record) Accept(ref wire.Ref, server wire.ServerXID, hold bool, now time.Time) error {
	if !r.Is(ref, server) {
		return ErrStale
	}
	if r.State != wire.StateDelivered && (r.Hold || !hold || r.State == wire.StateRunning) {
		return ErrUnchanged
	}
	if r.State == wire.StateDelivered {
		r.State, r.Accepted = wire.StateAccepted, Stamp(now)
	}
	r.Hold = r.Hold || hold
	return nil
}

// Progress moves the order forward to preparing or running, never back.
func (r *Record) Progress(ref wire.Ref, server wire.ServerXID, state wire.State, now time.Time) error {
	if !r.Is(ref, server) {
		return ErrStale
	}
	if rank(state) <= rank(r.State) {
		return ErrUnchanged
	}
	if r.Accepted.IsZero() {
		r.Accepted = Stamp(now)
	}
	if state == wire.StateRunning {
		r.Started = Stamp(now)
	}
	r.State = state
	return nil
}

func rank(s wire.State) int {
	switch s {
	case wire.StateQueued:
		return 0
	case wire.StateDelivered:
		return 1
	case wire.StateAccepted:
		return 2
	case wire.StatePreparing:
		return 3
	case wire.StateRunning:
		return 4
	}
	return 5
}

// Grant allows a held order to start. From then on it counts as started.
func (r *Record) Grant(ref wire.Ref, server wire.ServerXID) error {
	switch {
	case !r.Is(ref, server) || !r.Cancel.IsZero():
		return ErrStale
	case r.Granted:
		return ErrUnchanged
	}
	r.Granted = true
	return nil
}

// Requeue ends the current attempt and queues the order again. It is for orders that certainly were
// not started. A cancelled order ends instead.
func (r *Record) Requeue(reason string, now time.Time) {
	if !r.Cancel.IsZero() {
		r.End(wire.Cancelled, r.CancelWhy, now)
		return
	}
	r.requeue(reason, now)
}

func (r *Record) requeue(reason string, now time.Time) {
	r.History = append(r.History, Past{
		Attempt: r.Attempt, Server: r.Server, State: r.State, Ended: Stamp(now), Reason: reason,
	})
	if n := len(r.History); n > maxHistory { // a server may give an order back many times
		r.History = slices.Clone(r.History[n-maxHistory:])
	}
	r.Attempt++
	r.State, r.Queued = wire.StateQueued, Stamp(now)
	r.Server, r.Epoch, r.Journal, r.Hold, r.Granted = "", 0, "", false, false
	r.Delivered, r.Accepted, r.Started = time.Time{}, time.Time{}, time.Time{}
}

// maxHistory is how many past attempts are remembered.
const maxHistory = 32

// retry queues a retryable order again whose attempt is lost, and reports whether it did: after max
// lost attempts it does not.
func (r *Record) retry(reason string, max int, now time.Time) bool {
	if !r.Retryable || !r.Cancel.IsZero() || r.Lost+1 >= max {
		return false
	}
	r.Lost++
	r.requeue(reason, now)
	return true
}

// Interrupt records that nobody can know what became of the attempt. The order ends, or gets
// another attempt if it is retryable and has lost fewer than max.
func (r *Record) Interrupt(reason string, max int, now time.Time) {
	if !r.retry(reason, max, now) {
		r.End(wire.Interrupted, reason, now)
	}
}

// Missing handles an order that is not in its server's hello, which comes from the agent's journal.
// A journal other than the one that the order was delivered to does not know whether the order was
// started.
func (r *Record) Missing(journal string, max int, now time.Time) {
	reason := fmt.Sprintf("server %q came back without the order", r.Server)
	same := r.Journal == journal || r.Journal == "" || journal == ""
	if !same {
		reason = fmt.Sprintf("another agent connected as server %q, or its journal was replaced", r.Server)
	}
	if r.State == wire.StateDelivered && same || r.Held() {
		r.Requeue(reason, now)
		return
	}
	r.Interrupt(reason, max, now)
}

// Gone handles an order whose server stayed away longer than the lease.
func (r *Record) Gone(lease time.Duration, max int, now time.Time) {
	reason := fmt.Sprintf("server %q stayed away longer than %s", r.Server, lease)
	if r.Held() {
		r.Requeue(reason, now)
		return
	}
	r.Interrupt(reason, max, now)
}

// Finish records the agent's result. A retryable order that was interrupted is queued again.
func (r *Record) Finish(res *wire.Result, server wire.ServerXID, max int, now time.Time) error {
	if !r.Is(res.Ref, server) {
		return ErrStale
	}
	if res.Returned {
		r.Returned++
		r.Requeue(fmt.Sprintf("server %q gave it back: %s: %s", server, res.Error, res.Message), now)
		return nil
	}
	if res.Outcome == wire.Interrupted && r.retry("server reported: "+res.Message, max, now) {
		return nil
	}
	r.Result = res
	r.close(res.Outcome, now)
	return nil
}

// End ends the order with an outcome that the cloud decided.
func (r *Record) End(o wire.Outcome, reason string, now time.Time) {
	r.Reason = reason
	r.close(o, now)
}

func (r *Record) close(o wire.Outcome, now time.Time) {
	r.State, r.Ended, r.Inputs = wire.State(o), Stamp(now), nil
}

// Stop records that somebody asked to cancel. A queued order ends at once.
func (r *Record) Stop(reason string, now time.Time) error {
	switch {
	case r.Terminal():
		return ErrStale
	case !r.Cancel.IsZero():
		return ErrUnchanged
	}
	r.Cancel, r.CancelWhy = Stamp(now), reason
	if r.State == wire.StateQueued {
		r.End(wire.Cancelled, reason, now)
	}
	return nil
}
