package dispatch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/plain"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// logPoll is how long a follower waits at the end of a log.
	logPoll = 100 * time.Millisecond
	// logQuiet is how long after the end of an execution a log that may be
	// incomplete is waited for.
	logQuiet = 2 * time.Second
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

// List returns executions, newest first: all that have not ended and the
// newest few thousand that have.
func (d *Dispatcher) List(ctx context.Context, f Filter) ([]Execution, error) {
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	recs := d.ledger.List(func(r *record.Record) bool {
		return (f.Environment == "" || r.Environment == f.Environment) && (f.State == "" || r.State == f.State)
	}, f.Limit)
	out := make([]Execution, len(recs))
	for i, r := range recs {
		out[i] = r.Execution
	}
	return out, nil
}

// Cancel ends a queued order at once; otherwise the wish is recorded, and
// the gateway that holds the server passes it on, now or after the next hello.
func (d *Dispatcher) Cancel(ctx context.Context, id wire.OrderID, reason string) error {
	reason = plain.Head(reason, wire.MaxText)
	if _, err := d.get(ctx, id); err != nil {
		return err
	}
	rec, err := d.ledger.Update(ctx, id, func(r *record.Record) error { return r.Stop(reason, time.Now()) })
	if errors.Is(err, record.ErrStale) {
		return fmt.Errorf("cancelling order %s: %w", id, ErrEnded)
	}
	if err != nil {
		return err
	}
	if rec.Terminal() {
		if err := d.queue.Remove(ctx, rec.Environment, rec.Priority, id); err != nil {
			d.log.Debug("message of a cancelled order stays", "order", id, "err", err) // harmless
		}
	}
	return nil
}

// Recall asks for a held order back, so that another server gets it.
func (d *Dispatcher) Recall(ctx context.Context, id wire.OrderID) error {
	rec, err := d.get(ctx, id)
	if err != nil {
		return err
	}
	if !rec.Startable() {
		return fmt.Errorf("recalling order %s in state %q: %w", id, rec.State, ErrNotHeld)
	}
	return d.Conn().Publish(recallSubject, []byte(id))
}

// recallHere recalls the order if this gateway holds its server.
func (d *Dispatcher) recallHere(id wire.OrderID) {
	rec := d.ledger.Peek(id)
	if rec == nil || !rec.Startable() {
		return
	}
	if s := d.seat(rec.Server); s != nil {
		s.recall(rec.Ref())
	}
}

// Watch yields the execution now and after each change until it has ended.
func (d *Dispatcher) Watch(ctx context.Context, id wire.OrderID) (<-chan Execution, error) {
	if _, err := d.get(ctx, id); err != nil {
		return nil, err
	}
	out := make(chan Execution)
	go func() {
		defer close(out)
		// An error closes the channel early: Get then says why.
		_ = d.ledger.Watch(ctx, id, func(r *record.Record) bool {
			select {
			case out <- r.Execution:
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	return out, nil
}

// given returns the record of an order that somebody says was given out as
// this attempt: another gateway may have done it before it is known here.
func (d *Dispatcher) given(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (*record.Record, error) {
	rec, err := d.get(ctx, id)
	if err == nil && !rec.Terminal() && (rec.Attempt < attempt || rec.State == wire.StateQueued) {
		return d.ledger.Fresh(ctx, id)
	}
	return rec, err
}

// Params returns the parameters of an attempt that is current.
func (d *Dispatcher) Params(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (map[string]string, error) {
	rec, err := d.given(ctx, id, attempt)
	if err != nil {
		return nil, err
	}
	if rec.Attempt != attempt || rec.State == wire.StateQueued || rec.Inputs == nil {
		return nil, fmt.Errorf("%w: attempt %d of %q is not current", ErrNotFound, attempt, string(id))
	}
	return d.params(ctx, rec)
}

// Owner tells which server an attempt was given to and whether it is current.
func (d *Dispatcher) Owner(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (wire.ServerXID, bool, error) {
	rec, err := d.given(ctx, id, attempt)
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

// Stats returns an Environment's figures.
func (d *Dispatcher) Stats(ctx context.Context, environment string) (Stats, error) {
	select {
	case <-d.Ready():
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	}
	return Stats(d.ledger.Figures(environment, time.Now())), nil
}

// Logs yields an execution's log. With Follow it goes on to newer attempts
// if none is chosen, and ends when the execution has ended and its log is complete.
func (d *Dispatcher) Logs(ctx context.Context, id wire.OrderID, f LogFilter) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		if err := d.follow(ctx, id, f, func(c Chunk) bool { return yield(c, nil) }); err != nil {
			yield(Chunk{}, err)
		}
	}
}

func (d *Dispatcher) follow(ctx context.Context, id wire.OrderID, f LogFilter, yield func(Chunk) bool) error {
	rec, err := d.get(ctx, id)
	if err != nil {
		return err
	}
	ref, fixed := rec.Ref(), f.Attempt != 0
	if fixed {
		ref.Attempt = f.Attempt
	}
	var seq uint64
	ends := map[wire.Stream]int64{}
	news, over := time.Now(), false
	for {
		p, ok, err := d.logs.Next(ctx, ref, f.Stream, seq)
		if err != nil {
			return err
		}
		if ok {
			seq, news = p.Seq, time.Now()
			ends[p.Stream] = p.Offset + int64(len(p.Data))
			if skip := f.Offset - p.Offset; f.Stream != "" && skip > 0 {
				cut := min(skip, int64(len(p.Data)))
				p.Offset, p.Data = p.Offset+cut, p.Data[cut:]
			}
			if len(p.Data) > 0 && !yield(Chunk{ref, p.Stream, p.Offset, p.Data}) {
				return nil
			}
			continue
		}
		// Nothing more is there now; the record says whether more may come.
		if rec, err = d.get(ctx, id); err != nil {
			return err
		}
		if rec.Terminal() && !over { // from here on the rest may come
			news, over = time.Now(), true
		}
		switch {
		case !f.Follow || d.complete(rec, ref, f.Stream, ends):
			return nil
		case rec.Terminal() && time.Since(news) > logQuiet:
			return nil
		case rec.Attempt != ref.Attempt && fixed:
			return nil
		case rec.Attempt != ref.Attempt && rec.State != wire.StateQueued:
			ref.Attempt, seq = rec.Attempt, 0
			clear(ends)
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(logPoll):
		}
	}
}

// complete reports whether the result says that no more than what was read will come.
func (d *Dispatcher) complete(r *record.Record, ref wire.Ref, s wire.Stream, ends map[wire.Stream]int64) bool {
	if r.Result == nil || r.Attempt != ref.Attempt || r.Result.Output == nil {
		return false
	}
	for name, size := range r.Result.Output {
		if (s == "" || s == name) && ends[name] < min(size.Kept, d.cfg.LogStream) {
			return false
		}
	}
	return true
}
