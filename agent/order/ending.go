package order

import (
	"context"
	"errors"
	"sync"
)

// Why an order is ended before its App has ended.
var (
	errFenced   = errors.New("fenced")   // no result is wanted: the attempt is not this server's any more
	errRecalled = errors.New("recalled") // no result is wanted either, and the App did not start
)

// cancelled ends an order with a result that says so.
type cancelled struct{ reason string }

func (c cancelled) Error() string {
	if c.reason == "" {
		return "cancelled"
	}
	return "cancelled: " + c.reason
}

// Cancel ends the order with the result "cancelled". If its App has ended already, its result
// stands.
func (o *Order) Cancel(reason string) { o.ending.begin(cancelled{reason}) }

// Fence ends the order without a result: the cloud has given it to another attempt or closed it.
func (o *Order) Fence() { o.ending.begin(errFenced) }

// Recall ends the order if its App has not been started, and reports whether it does so.
func (o *Order) Recall() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == running {
		return false
	}
	o.ending.begin(errRecalled)
	return true
}

func (o *Order) fenced() bool { return isFenced(o.ending.reason()) }

func isFenced(why error) bool { return errors.Is(why, errFenced) }

func always(error) bool { return true }

// ending tells the goroutine of an order that the order is to end, and why. The first reason
// counts.
type ending struct {
	done chan struct{} // closed with the first reason

	mu      sync.Mutex
	why     error
	cancels []func(why error)
}

func (e *ending) begin(why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.why != nil {
		return
	}
	e.why = why
	close(e.done)
	for _, cancel := range e.cancels {
		cancel(why)
	}
}

// reason is nil while the order is not to end.
func (e *ending) reason() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.why
}

// within returns a context that ends with ctx, or with the order for a reason that counts. The
// reason is then the cause of the context.
func (e *ending) within(ctx context.Context, counts func(why error) bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	end := func(why error) {
		if counts(why) {
			cancel(why)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.why != nil {
		end(e.why)
	} else {
		e.cancels = append(e.cancels, end)
	}
	return ctx, func() { cancel(nil) }
}
