package agent

import (
	"sync"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// slots holds the orders of an agent: those that occupy a slot, because their App is prepared or
// runs, and those that wait in the outbox. It keeps the credit by one rule: the cloud may have as
// many orders under way as there are free slots; the difference is granted whenever it is positive.
// Services have slots and credit of their own, by the same rule.
type slots struct {
	fit func() bool // false: no order is taken, however many slots are free

	mu       sync.Mutex
	orders   map[wire.Ref]*order.Order // in flight and unreported
	occupied map[*order.Order]bool
	jobs     places
	services places
	draining bool
	changed  chan struct{} // closed and replaced when an order gives its slot back, is gone or unclaimed
}

// places are the slots of one kind of orders.
type places struct {
	total    int
	occupied int
	credit   int // orders that the cloud may still send in this session
}

func (p *places) spend() { p.credit = max(0, p.credit-1) }

func newSlots(jobs, services int, fit func() bool) *slots {
	return &slots{
		fit: fit, orders: map[wire.Ref]*order.Order{}, occupied: map[*order.Order]bool{},
		jobs: places{total: jobs}, services: places{total: services}, changed: make(chan struct{}),
	}
}

// placesFor are the slots that the order takes one of.
func (s *slots) placesFor(o *order.Order) *places {
	if o.IsService() {
		return &s.services
	}
	return &s.jobs
}

// occupy makes a new order occupy a slot and spends its credit, both at once: in between, a grant
// would count the slot as free and the credit as spent. It fails with the reason why not.
func (s *slots) occupy(o *order.Order) (wire.Reason, bool) {
	unfit := !s.fit()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.placesFor(o)
	p.spend()
	switch {
	case unfit:
		return wire.ReasonUnfit, false
	case s.draining:
		return wire.ReasonDraining, false
	case p.occupied >= p.total:
		return wire.ReasonNoCredit, false
	}
	s.orders[o.Ref()] = o
	s.occupied[o] = true
	p.occupied++
	return "", true
}

// restore adds an order of the journal, which occupies a slot unless it has a result.
func (s *slots) restore(o *order.Order, hasResult bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[o.Ref()] = o
	if !hasResult {
		s.occupied[o] = true
		s.placesFor(o).occupied++
	}
}

// spend counts an order that occupies no slot, because it is here already.
func (s *slots) spend(o *order.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.placesFor(o).spend()
}

// release gives the slot of an order back, if it has one.
func (s *slots) release(o *order.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.occupied[o] {
		delete(s.occupied, o)
		s.placesFor(o).occupied--
		s.wake()
	}
}

// remove forgets an order, and reports whether it was there. Another order with the same reference stays.
func (s *slots) remove(o *order.Order) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders[o.Ref()] != o {
		return false
	}
	delete(s.orders, o.Ref())
	s.wake()
	return true
}

// disowned wakes a drain, which does not wait for results that the cloud has no record of.
func (s *slots) disowned() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake()
}

// wake wakes a drain. s.mu is held.
func (s *slots) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *slots) find(ref wire.Ref) *order.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders[ref]
}

// each calls f with every order, and whether the order occupies a slot. f must not block.
func (s *slots) each(f func(o *order.Order, occupies bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		f(o, s.occupied[o])
	}
}

// free is the number of orders of a kind that would be taken now. s.mu is held.
func (s *slots) free(p *places) int {
	if s.draining || !s.fit() {
		return 0
	}
	return max(0, p.total-p.occupied)
}

// hello returns the credits with which a session begins.
func (s *slots) hello() (jobs, services int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs.credit, s.services.credit = s.free(&s.jobs), s.free(&s.services)
	return s.jobs.credit, s.services.credit
}

// grant returns how many more orders the cloud may send, and in which session, and counts them as
// granted. current is asked under the lock: what is granted in one session is not counted in the
// next.
func (s *slots) grant(current func() *order.Session) (jobs, services int, session *order.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs, services = max(0, s.free(&s.jobs)-s.jobs.credit), max(0, s.free(&s.services)-s.services.credit)
	if session = current(); session == nil {
		return 0, 0, nil
	}
	if !session.Services { // an older cloud would not know what that is
		services = 0
	}
	s.jobs.credit += jobs
	s.services.credit += services
	return jobs, services, session
}

// resize changes the number of slots. Orders that run go on.
func (s *slots) resize(jobs, services int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs.total, s.services.total = jobs, services
}

// drain begins or ends a drain and reports whether that changes anything.
func (s *slots) drain(on bool) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.draining != on
	s.draining = on
	return changed
}

// load is a moment of the slots.
type load struct {
	occupied, free int // slots of jobs
	unreported     int // orders of whose end the cloud must still be told, and will take it
	outbox         int // orders that have ended and are kept for the cloud
	total          int // slots of jobs
	services       places
	draining       bool
	changed        <-chan struct{} // closed when less is occupied or unreported
}

func (s *slots) load() load {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := load{
		occupied: s.jobs.occupied, free: s.free(&s.jobs), outbox: len(s.orders) - len(s.occupied),
		total: s.jobs.total, services: s.services, draining: s.draining, changed: s.changed,
	}
	for _, o := range s.orders {
		if !o.Unclaimed() && !(o.IsService() && s.occupied[o]) { // nobody waits for the end of a service
			l.unreported++
		}
	}
	return l
}
