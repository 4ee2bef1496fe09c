package api

import (
	"context"
	"sync"
)

// Bounds of what one execution makes its server hold: values of up to MaxValue
// bytes stay in memory for as long as the App takes to send or to read them.
const (
	atOnce = 8       // such requests of one execution; more wait for their turn
	small  = 1 << 20 // bytes of a body that needs no turn
)

// turns lets each execution have a few requests at a time.
type turns struct {
	mu sync.Mutex
	of map[string]*turn // by Session.ID
}

type turn struct {
	slots chan struct{}
	users int // who have a slot or wait for one
}

// take waits for a turn of the execution; done gives it back.
func (t *turns) take(ctx context.Context, id string) (done func(), err error) {
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
