package dispatch

import "time"

// reserve uses one credit of the Environment's session that has most, of those that can open what is
// sealed to keys, and returns that session, or nil.
func (d *Dispatcher) reserve(env string, t takers) *Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.envs[env]
	if e == nil {
		return nil
	}
	return e.reserve(time.Now(), t)
}

// reserveDirect is reserve for an order that may bypass the queue, because nothing waits in it.
func (d *Dispatcher) reserveDirect(env string, t takers) *Session {
	select {
	case <-d.Ready():
	default:
		return nil
	}
	if _, total := d.ledger.Queued(env); total > 0 {
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

func (e *environment) reserve(now time.Time, t takers) *Session {
	var best *Session
	for s := range e.sessions {
		if s.takesOrders(now) && t.have(s) && (best == nil || s.credit > best.credit) {
			best = s
		}
	}
	if best != nil {
		best.credit--
	}
	return best
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
