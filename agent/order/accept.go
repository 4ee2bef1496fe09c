package order

import (
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/journal"
)

// ErrKnown means that the order is in the journal already: nothing was changed or started.
var ErrKnown = errors.New("the order is known already")

// acceptance is the journaling of a new order. It goes on while the start is prepared: the shim executes
// nothing before it is done (noteStart).
type acceptance struct {
	done chan struct{}
	err  error // once done
}

// Run accepts a new order and takes it through its whole life. It returns nil when nothing is left
// to do, or when ctx ended: then the next agent goes on from the journal. With an error the order
// was not accepted and nothing was started: [ErrKnown], or a fitness.Error if the journal could not
// take the order. An order whose session is over is dropped without an error.
func (o *Order) Run(ctx context.Context) error {
	installed, ready := o.c.Apps.Lookup(o.app())
	if _, known := o.c.Journal.Get(o.ref); known { // its folder may be in use
		return ErrKnown
	}
	if err := o.accept(ctx, !ready); errors.Is(err, errSessionOver) {
		return nil
	}
	if !ready || o.toldElsewhere() {
		if err := o.accepted(); err != nil {
			return err
		}
	}
	if !ready {
		o.progress(ctx, wire.StatePreparing)
	}
	return o.execute(ctx, installed, ready)
}

// toldElsewhere reports whether others than journal and shim hear of the order before its App is executed: the
// memory of signed orders, and the cloud that is asked for parameters. They must not know of one that the
// journal may lose.
func (o *Order) toldElsewhere() bool { return o.spec.Signature != "" || o.spec.ParamsByHTTPS }

// accept begins to journal the order, durably, if a hello made from now on will name it. hold: the App may
// not be started before the cloud says so, because it must be downloaded first.
func (o *Order) accept(ctx context.Context, hold bool) error {
	leave, err := o.c.Sessions.enter(o.hello)
	if err != nil {
		return err
	}
	a := &acceptance{done: make(chan struct{})}
	o.acceptance = a
	entry := journal.Entry{Order: o.spec, Hold: hold, BootID: o.c.BootID(), Accepted: time.Now()}
	go func() {
		defer close(a.done)
		fresh, err := o.c.Journal.Accept(entry)
		leave()
		switch {
		case err != nil:
			a.err = HostError(err)
		case !fresh:
			a.err = ErrKnown
		default:
			o.send(ctx, &wire.Accepted{Ref: entry.Order.Ref, Hold: hold})
			o.c.Logger.Info("order accepted", "order", entry.Order.Ref.String(), "app", entry.Order.App.Name, "version", entry.Order.App.Version)
		}
	}()
	return nil
}

// accepted waits until the order is in the journal and returns why it is not. An order that came from there
// is.
func (o *Order) accepted() error {
	if o.acceptance == nil {
		return nil
	}
	<-o.acceptance.done
	return o.acceptance.err
}
