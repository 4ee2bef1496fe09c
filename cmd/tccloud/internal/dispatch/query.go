package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// Get returns one execution or ErrNotFound.
func (d *Dispatcher) Get(ctx context.Context, id wire.OrderID) (Execution, error) {
	rec, err := d.get(ctx, id)
	if err != nil {
		return Execution{}, err
	}
	return rec.Execution, nil
}

func (d *Dispatcher) get(ctx context.Context, id wire.OrderID) (*record.Record, error) {
	if !id.Valid() {
		return nil, fmt.Errorf("%w: %.70q", ErrNotFound, string(id))
	}
	return d.ledger.Get(ctx, id)
}

// Filter selects executions for List; see record.
type Filter = record.Filter

// States of a Filter that stand for several ones.
const (
	Active = record.Active
	Ended  = record.Ended
)

// Page is a part of a list of executions.
type Page struct {
	Executions []Execution // newest first, by when they were created
	// Next continues the list after this page, "" where there is nothing more.
	Next string
}

// MostListed is the largest page.
const MostListed = 1000

// ErrCursor is for a Page.Next that List has not made.
var ErrCursor = errors.New("not a cursor of a list of executions")

// List returns executions that the filter selects, newest first, from a cursor on ("": from the
// newest), at most limit, which is 1–MostListed. A page may have fewer, even none, and a Next: the
// work for one is bounded, whatever is there. Pages neither repeat an execution nor miss one that
// was there from the beginning.
func (d *Dispatcher) List(ctx context.Context, f Filter, cursor string, limit int) (Page, error) {
	var before record.Place
	if cursor != "" {
		var err error
		if before, err = record.ParsePlace(cursor); err != nil {
			return Page{}, ErrCursor
		}
	}
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return Page{}, ctx.Err()
	}
	found, err := d.ledger.List(ctx, &f, before, min(max(1, limit), MostListed))
	if err != nil {
		return Page{}, fmt.Errorf("listing executions: %w", err)
	}
	p := Page{Executions: make([]Execution, len(found.Found))}
	for i, r := range found.Found {
		p.Executions[i] = r.Execution
	}
	if !found.Rest.IsZero() {
		p.Next = found.Rest.String()
	}
	return p, nil
}

// Unfinished returns all executions that have not ended, of one Environment or of all (""), in any
// order.
func (d *Dispatcher) Unfinished(ctx context.Context, environment string) ([]Execution, error) {
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var all []Execution
	for _, a := range d.ledger.Active(func(a ledger.Aged) bool { return environment == "" || a.Environment == environment }) {
		all = append(all, a.Execution)
	}
	return all, nil
}

// Cancel ends a queued order at once. Otherwise it records the request, and the gateway that has
// the server passes it on, now or after the next hello. It returns when that is durable; [ErrEnded]
// and [ErrNotFound] tell why it cannot be done.
func (d *Dispatcher) Cancel(ctx context.Context, id wire.OrderID, reason string) error {
	reason = plain.Head(reason, wire.MaxText)
	if _, err := d.get(ctx, id); err != nil {
		return err
	}
	_, err := d.ledger.Update(ctx, id, func(r *record.Record) error { return r.Stop(reason, time.Now()) })
	if errors.Is(err, record.ErrStale) {
		return fmt.Errorf("cancelling order %s: %w", id, ErrEnded)
	}
	return err
}

// Watch calls yield with the execution now and after each change, until it has ended, yield returns
// false or ctx ends. A slow yield misses states in between, never the last one.
func (d *Dispatcher) Watch(ctx context.Context, id wire.OrderID, yield func(Execution) bool) error {
	if _, err := d.get(ctx, id); err != nil {
		return err
	}
	return d.ledger.Watch(ctx, id, func(r *record.Record) bool { return yield(r.Execution) })
}

// delivered returns the record of an order that a caller says was delivered as this attempt.
// Another gateway may have delivered it before that is known here, so the bucket is asked where the
// record in memory disagrees.
func (d *Dispatcher) delivered(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (*record.Record, error) {
	rec, err := d.get(ctx, id)
	if err == nil && !rec.Terminal() && (rec.Attempt < attempt || rec.State == wire.StateQueued) {
		return d.ledger.Fresh(ctx, id)
	}
	return rec, err
}

// Params returns the parameters of an attempt that is current, [ErrNotFound] otherwise.
func (d *Dispatcher) Params(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (map[string]string, error) {
	rec, err := d.delivered(ctx, id, attempt)
	if err != nil {
		return nil, err
	}
	if rec.Attempt != attempt || rec.State == wire.StateQueued || rec.Inputs == nil {
		return nil, fmt.Errorf("%w: attempt %d of %q is not current", ErrNotFound, attempt, string(id))
	}
	return d.parameters(ctx, rec)
}

// Owner returns the server that an attempt was given to, and whether the attempt is the current one
// and has not ended. Uploads are allowed only then.
func (d *Dispatcher) Owner(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (wire.ServerXID, bool, error) {
	rec, err := d.delivered(ctx, id, attempt)
	if err != nil {
		return "", false, err
	}
	if rec.Attempt == attempt {
		return rec.Server, rec.Server != "" && !rec.Terminal(), nil
	}
	for _, p := range rec.History {
		if p.Attempt == attempt {
			return p.Server, false, nil
		}
	}
	return "", false, fmt.Errorf("%w: attempt %d of %q", ErrNotFound, attempt, string(id))
}

// Stats are an Environment's figures.
type Stats struct {
	Queued, Running  int
	Day, Week, Month int           // executions created in the last 1, 7 and 30 calendar days (UTC)
	QueueWait        time.Duration // mean over the last 100 deliveries
}

// Stats returns an Environment's figures.
func (d *Dispatcher) Stats(ctx context.Context, environment string) (Stats, error) {
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	}
	return Stats(d.ledger.Figures(environment, time.Now())), nil
}

// Hour is what happened to an Environment's executions in an hour.
type Hour struct {
	record.Hour
	From time.Time
}

// MostHours is the longest History.
const MostHours = 30 * 24

// History returns what happened in an Environment in each of the last hours, the oldest first; the last
// one is not over.
func (d *Dispatcher) History(ctx context.Context, environment string, hours int) ([]Hour, error) {
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := record.HourOf(time.Now())
	first := now + 1 - min(max(1, hours), MostHours)
	counted := d.ledger.Hours(environment, first)
	var all []Hour
	for h := first; h <= now; h++ {
		all = append(all, Hour{counted[h], time.Unix(int64(h)*3600, 0).UTC()})
	}
	return all, nil
}
