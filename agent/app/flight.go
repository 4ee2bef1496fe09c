package app

import "context"

// flight is one download that several callers wait for.
//
//	launch ─► join … join ─► leave … leave ─► the last one cancels ─► done
//	                    └─► finished ─► done
//
// The goroutine never outlives its callers: the last one to give up waits for it.
type flight struct {
	cancel  context.CancelFunc
	done    chan struct{}
	waiters int // guarded by Catalog.mu
	dead    bool
	app     App // valid after done
	err     error
}

// launch starts work for ref on behalf of all who join. c.mu is held.
func (c *Catalog) launch(ctx context.Context, ref Ref, work func(context.Context) (App, error)) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{cancel: cancel, done: make(chan struct{})}
	c.flights[ref.SHA256] = f
	go func() {
		defer cancel()
		f.app, f.err = work(ctx)
		c.mu.Lock()
		delete(c.flights, ref.SHA256)
		c.mu.Unlock()
		close(f.done)
	}()
	return f
}

// join counts a caller in, unless the flight is being cancelled. c.mu is held.
func (f *flight) join() bool {
	if f.dead {
		return false
	}
	f.waiters++
	return true
}

// await returns what the flight found, or ctx's error when ctx ends first.
func (c *Catalog) await(ctx context.Context, f *flight) (App, error) {
	select {
	case <-f.done:
		return f.app, f.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	f.waiters--
	last := f.waiters == 0
	f.dead = f.dead || last
	c.mu.Unlock()
	if last {
		f.cancel()
		<-f.done
	}
	return App{}, ctx.Err()
}
