package daemon

import (
	"context"
	"sync/atomic"
	"time"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/wire"
)

// connection is the current link. New settings of the connection make a new link: the old one ends
// its session, and orders in flight go on in the session of the new one, as after any other loss.
type connection struct {
	first *link.Link
	now   atomic.Pointer[link.Link]
	next  chan *link.Link
}

func newConnection(first *link.Link) *connection {
	c := &connection{first: first, next: make(chan *link.Link, 1)}
	c.now.Store(first)
	return c
}

// use replaces the link, also one that Run does not use yet.
func (c *connection) use(l *link.Link) {
	select {
	case <-c.next:
	default:
	}
	c.next <- l // reload alone sends, one at a time
}

// Run serves one link after the other until ctx ends.
func (c *connection) Run(ctx context.Context) error {
	for {
		current, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- c.now.Load().Run(current) }()
		var next *link.Link
		select {
		case <-ctx.Done():
		case next = <-c.next:
		}
		stop()
		if err := <-ended; err != nil || next == nil {
			return err
		}
		c.now.Store(next)
	}
}

// State is that of the current link.
func (c *connection) State() link.State { return c.now.Load().State() }

// Late is how long the current link has been stuck.
func (c *connection) Late() time.Duration { return c.now.Load().Late() }

// Tried is closed when the first link has made its first attempt.
func (c *connection) Tried() <-chan struct{} { return c.first.Tried() }

// Wake has the current link try again now, or check whether its session lives.
func (c *connection) Wake() { c.now.Load().Wake() }

// Reconnect ends the session for a new one.
func (c *connection) Reconnect() { c.now.Load().Reconnect() }

// Send, SendIn and SendLast make a connection an order.Link.
func (c *connection) Send(ctx context.Context, m wire.Message) error {
	return c.now.Load().Send(ctx, m)
}

// SendIn is Send for one session only.
func (c *connection) SendIn(ctx context.Context, epoch int64, m wire.Message) error {
	return c.now.Load().SendIn(ctx, epoch, m)
}

// SendLast is SendIn behind all logs.
func (c *connection) SendLast(ctx context.Context, epoch int64, m wire.Message) error {
	return c.now.Load().SendLast(ctx, epoch, m)
}
