package dispatch

import (
	"time"

	"tcenvsvr/cmd/tccloud/internal/dispatch/queue"
)

// reserve uses one credit of the Environment's session that has most, of those that may take an
// order, and returns that session, or nil.
func (d *Dispatcher) reserve(env string, t queue.Takers) *Session {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.envs[env]
	if e == nil {
		return nil
	}
	var best *Session
	consider := func(s *Session) {
		if s.takesOrders(now) && t.Have(s.xid, s.opens) && (best == nil || s.credit > best.credit) {
			best = s
		}
	}
	if s := d.sessions[t.Server]; t.Server == "" {
		for s := range e.sessions {
			consider(s)
		}
	} else if _, ok := e.sessions[s]; ok {
		consider(s)
	}
	if best != nil {
		best.credit--
	}
	return best
}

// reserveDirect is reserve for an order that may bypass the queue, because none waits there before
// it.
func (d *Dispatcher) reserveDirect(env string, t queue.Takers) *Session {
	select {
	case <-d.Ready():
	default:
		return nil
	}
	if d.ledger.Waits(env, t) {
		return nil
	}
	return d.reserve(env, t)
}

// returnCredit returns a credit that was not used; s may be nil.
func (d *Dispatcher) returnCredit(s *Session) {
	if s == nil {
		return
	}
	d.mu.Lock()
	s.credit++
	d.mu.Unlock()
	d.wake(s.env)
}

func (s *Session) takesOrders(now time.Time) bool {
	return s.open && !s.refusing && s.credit > 0 && now.After(s.paused)
}

func (e *environment) free(now time.Time) int {
	n := 0
	for s := range e.sessions {
		if s.takesOrders(now) {
			n += s.credit
		}
	}
	return n
}

// Free is how many orders the Environment's sessions at this gateway would take now.
func (d *Dispatcher) Free(env string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.envs[env]; e != nil {
		return e.free(time.Now())
	}
	return 0
}
