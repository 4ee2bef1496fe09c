package signed

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Why a signed order that is good is not started all the same.
var (
	// ErrReplayed says that the order was started here before, and may not be again.
	ErrReplayed = errors.New("the signed order was started here before")
	// ErrUnderWay says that another attempt was started here and has not ended. Once it has, a
	// retryable order may go on: such an order goes back to the queue rather than being rejected.
	ErrUnderWay = errors.New("another attempt of the signed order has not ended here")
	// ErrTooOld says that the order is from a time of which this server does not remember what ran.
	ErrTooOld = errors.New("the order was signed before this server's memory of signed orders begins")
	// ErrMemory says that what ran cannot be known, or not be noted.
	ErrMemory = errors.New("the memory of signed orders cannot be used")
)

const (
	// margin is for how long an order is remembered after its not-after. Should the clock be set
	// back by more, forgot says what is refused.
	margin = time.Hour
	// maxEntries bounds the memory: ten megabytes, and forty orders a second of five minutes each
	// would have to be signed to reach it.
	maxEntries = 100_000
)

// Replays remembers which signed orders were started on this host, for as long as their signatures
// are good:
//
//	          Start                    Ended
//	(nothing) ─────► started ─────────────────────────────► spent: never again
//	    ▲               │ returned, or interrupted and retryable
//	    └───────────────┘ another attempt may go on
//
// What a method returned nil for is on the disk. It is safe for concurrent use; a nil *Replays
// refuses every order.
type Replays struct {
	dir string
	max int

	mu     sync.Mutex
	memory *memory // nil until it could be read
}

// entry is one signed order that was started.
type entry struct {
	order     wire.OrderID
	attempt   wire.Attempt
	notAfter  int64 // Unix milliseconds
	spent     bool
	retryable bool
}

// NewReplays is the memory in dir, which is the journal's. It is read when it is needed first.
func NewReplays(dir string) *Replays { return &Replays{dir: dir, max: maxEntries} }

// Ready reads the memory, or makes it where there is none, or begins it anew in a copied home. It
// tells why signed orders are refused, nil if they are not; where it failed, the next call tries
// again. Orders made before a memory's beginning are refused; the beginning follows the clock when
// that is set, until the process ends.
func (r *Replays) Ready(now time.Time) error {
	if r == nil {
		return fmt.Errorf("%w: there is none", ErrMemory)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ready(now); err != nil {
		return err
	}
	if err := r.memory.early(now); err != nil {
		return fmt.Errorf("%w: %w", ErrMemory, err)
	}
	return nil
}

// ready makes the memory usable. Lock r.mu.

func (r *Replays) ready(now time.Time) error {
	if r.memory == nil {
		m, err := load(r.dir, now)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMemory, err)
		}
		r.memory = m
	}
	r.memory.correct(now)
	if err := r.memory.writable(); err != nil {
		return fmt.Errorf("%w: %w", ErrMemory, err)
	}
	r.memory.forget(now)
	return nil
}

// Check tells early, when the order is to be accepted, what Start would say of it.
func (r *Replays) Check(v *Verified, now time.Time) error {
	if err := r.Ready(now); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.admit(v)
	return err
}

// Start is the gate before each start of a signed order's App, and notes durably that it was
// passed. The parameters are those that have come, sealed ones still sealed. The same attempt may
// pass again, as long as it has not ended: the journal knows whether it was started.
func (r *Replays) Start(v *Verified, params map[string]string, now time.Time) error {
	if err := v.timely(now); err != nil {
		return err
	}
	if err := v.sameParams(params); err != nil {
		return err
	}
	return r.note(v, now, false)
}

// Spend notes that an order must not be started any more: it was cancelled before it was.
func (r *Replays) Spend(v *Verified, now time.Time) error { return r.note(v, now, true) }

func (r *Replays) note(v *Verified, now time.Time, spent bool) error {
	if err := r.Ready(now); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	noted, err := r.admit(v)
	if err != nil || noted && !spent {
		return err
	}
	return r.memory.write(entry{v.order.Order, v.order.Attempt, v.s.NotAfter, spent, v.retryable}, false)
}

// admit reports whether the order may be started, and whether that is noted already.
func (r *Replays) admit(v *Verified) (noted bool, err error) {
	m := r.memory
	if v.s.MadeAt < m.born {
		return false, fmt.Errorf("%w: made at %s, which is before %s; sign it again under another id", ErrTooOld, stamp(time.UnixMilli(v.s.MadeAt)), stamp(time.UnixMilli(m.born)))
	}
	if v.s.NotAfter <= m.forgot {
		return false, fmt.Errorf("%w: not after %s, up to which this server has forgotten them, since its clock was set back; sign it again under another id", ErrTooOld, stamp(v.NotAfter()))
	}
	e, ok := m.entries[v.order.Order]
	switch {
	case !ok && len(m.entries) >= r.max:
		return false, fmt.Errorf("%w: it is full with %d orders; sign with an earlier not-after", ErrMemory, len(m.entries))
	case !ok:
		return false, nil
	case e.spent:
		return false, fmt.Errorf("%w: as attempt %d; sign a new order", ErrReplayed, e.attempt)
	case e.attempt != v.order.Attempt:
		return false, fmt.Errorf("%w: attempt %d", ErrUnderWay, e.attempt)
	}
	return true, nil
}

// Ended notes how an attempt ended, before the journal forgets it; also for one that the cloud
// fenced, which is interrupted. Of an order that was not signed, or not started, there is nothing
// to note. Where it fails, other attempts are refused as long as the order is good.
func (r *Replays) Ended(ref wire.Ref, outcome wire.Outcome, returned bool) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.memory == nil {
		return nil // nothing was started by this agent; Recover deals with those of an older one
	}
	e, ok := r.memory.entries[ref.Order]
	if !ok || e.spent || e.attempt != ref.Attempt {
		return nil
	}
	again := returned || outcome == wire.Interrupted && e.retryable
	e.spent = !again
	if err := r.memory.write(e, again); err != nil {
		return fmt.Errorf("noting the end of signed order %s: %w: %w", ref, ErrMemory, err)
	}
	return nil
}

// Recover ends, when the agent starts, what the journal does not know any more: nobody can tell how
// that ended, so it does not run here again.
func (r *Replays) Recover(now time.Time, inJournal func(wire.Ref) bool) error {
	if r == nil {
		return r.Ready(now)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ready(now); err != nil { // what a wrong clock refuses is ended all the same
		return err
	}
	for _, e := range r.memory.entries {
		if e.spent || inJournal(wire.Ref{Order: e.order, Attempt: e.attempt}) {
			continue
		}
		e.spent = true
		if err := r.memory.write(e, false); err != nil {
			return fmt.Errorf("ending signed order %s: %w: %w", e.order, ErrMemory, err)
		}
	}
	return nil
}
