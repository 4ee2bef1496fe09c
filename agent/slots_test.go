package agent

import (
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

func newTestOrder(id string) *order.Order {
	return order.New(&order.Config{Sessions: &order.Sessions{}}, wire.Order{Ref: wire.Ref{Order: wire.OrderID(id), Attempt: 1}})
}

// TestSlots: credit is free slots, neither more nor less, whatever happens in between.
func TestSlots(t *testing.T) {
	fit, session := true, &order.Session{}
	current := func() *order.Session { return session }
	s := newSlots(2, 1, func() bool { return fit })
	grant := func(want int) {
		t.Helper()
		if n, _, _ := s.grant(current); n != want {
			t.Errorf("granted %d, want %d", n, want)
		}
	}
	occupy := func(o *order.Order, want wire.Reason) {
		t.Helper()
		if reason, ok := s.occupy(o); reason != want || ok != (want == "") {
			t.Errorf("got reason %q, want %q", reason, want)
		}
	}
	if n, _ := s.hello(); n != 2 {
		t.Errorf("a session begins with credit %d, want 2", n)
	}
	grant(0)
	a, b, c := newTestOrder("a"), newTestOrder("b"), newTestOrder("c")
	occupy(a, "")
	occupy(b, "")
	occupy(c, wire.ReasonNoCredit)
	grant(0)

	changed := s.load().changed
	s.release(a)
	s.release(a) // counts once
	select {
	case <-changed:
	default:
		t.Error("a drain is not woken")
	}
	if l := s.load(); l.occupied != 1 || l.free != 1 || l.outbox != 1 || l.unreported != 2 {
		t.Errorf("with one App running and one result waiting: %+v", l)
	}
	session = nil
	grant(0) // nobody hears it, so it is not counted
	session = &order.Session{}
	grant(1)
	s.spend(a) // an order that is here already came again
	grant(1)

	fit = false
	occupy(c, wire.ReasonUnfit)
	if n, _ := s.hello(); n != 0 {
		t.Errorf("a host that is not fit begins with credit %d", n)
	}
	fit = true
	s.drain(true)
	occupy(c, wire.ReasonDraining)
	s.drain(false)
	s.resize(1, 1)
	grant(0)
	occupy(c, wire.ReasonNoCredit)

	again := newTestOrder("a")
	s.remove(a)
	s.restore(again, true)
	s.remove(a) // is gone already
	if s.find(again.Ref()) != again {
		t.Error("the end of an order removed another one with the same reference")
	}
}

// TestServicesHaveSlotsOfTheirOwn: neither kind takes what is the other's, a cloud that does not know
// services gets no credit for them, and a drain does not wait for them.
func TestServicesHaveSlotsOfTheirOwn(t *testing.T) {
	s := newSlots(1, 1, func() bool { return true })
	if jobs, services := s.hello(); jobs != 1 || services != 1 {
		t.Errorf("a session begins with %d and %d", jobs, services)
	}
	service := func(id string) *order.Order {
		return order.New(&order.Config{Sessions: &order.Sessions{}}, wire.Order{
			Ref: wire.Ref{Order: wire.OrderID(id), Attempt: 1}, Runtime: wire.RuntimeAPIService, Service: &wire.ServiceSpec{ID: 1, Name: id},
		})
	}
	a, b := service("a"), service("b")
	if _, ok := s.occupy(a); !ok {
		t.Error("a service found no place")
	}
	if reason, _ := s.occupy(b); reason != wire.ReasonNoCredit {
		t.Errorf("a second service: %q", reason)
	}
	if _, ok := s.occupy(newTestOrder("job")); !ok {
		t.Error("a job found no slot beside a service")
	}
	if l := s.load(); l.occupied != 1 || l.services.occupied != 1 || l.unreported != 1 {
		t.Errorf("with a job and a service: %+v", l)
	}
	s.release(a)
	session := &order.Session{}
	current := func() *order.Session { return session }
	if jobs, services, _ := s.grant(current); jobs != 0 || services != 0 {
		t.Errorf("an older cloud got %d and %d", jobs, services)
	}
	session.Services = true
	if jobs, services, _ := s.grant(current); jobs != 0 || services != 1 {
		t.Errorf("the end of a service granted %d and %d", jobs, services)
	}
}
