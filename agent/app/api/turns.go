package api

import (
	"context"
	"sync"
)

// Bounds of the memory that one execution may take: a value of up to [Config].MaxValue bytes stays
// in memory while the App sends or reads it.
const (
	atOnce = 8       // such requests of one execution; more wait for their turn
	small  = 1 << 20 // bytes of a body that needs no turn
)

// turns limits the requests of one execution that are served at a time.
type turns struct {
	mu sync.Mutex
	of map[string]*turn // by Session.ID
}

type turn struct {
	slots chan struct{}
	users int // requests that have a slot or wait for one
}

// acquire waits until the execution may have one more request served; done ends that request.
func (t *turns) acquire(ctx context.Context, id string) (done func(), err error) {
	t.mu.Lock()
	if t.of == nil {
		t.of = map[string]*turn{}
	}
	x := t.of[id]
	if x == nil {
		x = &turn{slots: make(chan struct{}, atOnce)}
		t.of[id] = x
	}
	x.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if x.users--; x.users == 0 {
			delete(t.of, id)
		}
	}
	select {
	case x.slots <- struct{}{}:
		return func() { <-x.slots; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
