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

// Run accepts a new order and takes it through its whole life. It returns nil when nothing is left
// to do, or when ctx ended: then the next agent goes on from the journal. With an error the order
// was not accepted and nothing was started: [ErrKnown], or a fitness.Error if the journal could not
// take the order. An order whose session is over is dropped without an error.
func (o *Order) Run(ctx context.Context) error {
	installed, ready := o.c.Apps.Lookup(o.app())
	fresh, err := o.accept(!ready)
	switch {
	case errors.Is(err, errSessionOver):
		return nil
	case err != nil:
		return HostError(err)
	case !fresh:
		return ErrKnown
	}
	o.send(ctx, &wire.Accepted{Ref: o.ref, Hold: !ready})
	o.c.Logger.Info("order accepted", "order", o.ref.String(), "app", o.spec.App.Name, "version", o.spec.App.Version)
	if !ready {
		o.progress(ctx, wire.StatePreparing)
	}
	o.execute(ctx, installed, ready)
	return nil
}

// accept journals the order, durably, if a hello made from now on will name it. hold: the App may
// not be started before the cloud says so, because it must be downloaded first.
func (o *Order) accept(hold bool) (fresh bool, err error) {
	err = o.c.Sessions.before(o.hello, func() error {
		fresh, err = o.c.Journal.Accept(journal.Entry{Order: o.spec, Hold: hold, BootID: o.c.BootID(), Accepted: time.Now()})
		return err
	})
	return fresh, err
}
