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
	if _, total := d.ledger.Queued(env); total > 0 && !t.service {
		return nil
	}
	return d.reserve(env, t)
}

// returnCredit returns a credit that was not used; s may be nil.
func (d *Dispatcher) returnCredit(s *Session, t takers) {
	if s == nil {
		return
	}
	d.mu.Lock()
	*s.creditFor(t)++
	d.mu.Unlock()
	d.wake(s.env)
}

// creditFor is the credit that an order uses.
func (s *Session) creditFor(t takers) *int {
	if t.service {
		return &s.services
	}
	return &s.credit
}

func (s *Session) takesOrders(now time.Time) bool {
	return s.open && !s.refusing && now.After(s.paused)
}

func (e *environment) reserve(now time.Time, t takers) *Session {
	var best *Session
	for s := range e.sessions {
		if s.takesOrders(now) && t.have(s) && *s.creditFor(t) > 0 && (best == nil || *s.creditFor(t) > *best.creditFor(t)) {
			best = s
		}
	}
	if best != nil {
		*best.creditFor(t)--
	}
	return best
}

func (e *environment) free(now time.Time) (slots, services int) {
	for s := range e.sessions {
		if s.takesOrders(now) {
			slots, services = slots+s.credit, services+s.services
		}
	}
	return slots, services
}

// Free is how many orders the Environment's sessions at this gateway would take now.
func (d *Dispatcher) Free(env string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.envs[env]; e != nil {
		slots, _ := e.free(time.Now())
		return slots
	}
	return 0
}
