package platform

import (
	"context"
	"sync"

	"tcenvsvr/agent/link/wire"
)

// places bounds how many batches are received at a time, and of them those of one execution: an App whose
// batches come slowly does not keep those of others waiting.
type places struct {
	all chan struct{}

	mu  sync.Mutex
	own map[wire.OrderID]*own
}

// own are the places of one execution, while somebody has or wants one.
type own struct {
	places chan struct{}
	users  int
}

func newPlaces() *places {
	return &places{all: make(chan struct{}, atOnce), own: map[wire.OrderID]*own{}}
}

// take waits for a place; done gives it back.
func (p *places) take(ctx context.Context, order wire.OrderID) (done func(), err error) {
	o := p.enter(order)
	taken := 0
	leave := func() {
		for _, c := range []chan struct{}{o.places, p.all}[:taken] {
			<-c
		}
		p.leave(order, o)
	}
	for _, c := range []chan struct{}{o.places, p.all} {
		select {
		case c <- struct{}{}:
			taken++
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

func (p *places) enter(order wire.OrderID) *own {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.own[order]
	if o == nil {
		o = &own{places: make(chan struct{}, atOnceEach)}
		p.own[order] = o
	}
	o.users++
	return o
}

func (p *places) leave(order wire.OrderID, o *own) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.users--; o.users == 0 {
		delete(p.own, order)
	}
}
