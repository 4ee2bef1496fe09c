package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// maxQueueTTL keeps every queued order within the records' retention.
	maxQueueTTL = 30 * 24 * time.Hour
	// inlineParams is the largest JSON form of parameters kept in the record.
	inlineParams = 16 << 10
	// frameParams is the largest that goes into an order's frame.
	frameParams = 128 << 10
	// maxParams is the largest that is taken at all.
	maxParams = 16 << 20
)

// Submit stores an order durably. Where nothing is queued in the
// Environment and a session of this gateway has credit, the record is born
// delivered to it, with one durable write instead of two; otherwise the order is queued.
func (d *Dispatcher) Submit(ctx context.Context, r Request) (Execution, error) {
	rec, params, err := d.record(r)
	if err != nil {
		return Execution{}, err
	}
	// A large parameter object without a record is swept by its age; a
	// record never lacks its object.
	if rec.Inputs.Object != "" {
		if err := d.inputs.PutBytes(ctx, rec.Inputs.Object, params); err != nil {
			return Execution{}, fmt.Errorf("storing parameters of order %s: %w", rec.ID, err)
		}
	}
	seat := d.direct(rec.Environment)
	if seat != nil {
		if err := rec.Deliver(rec.Attempt, seat.xid, seat.epoch, seat.journal, time.Now()); err != nil {
			return Execution{}, err
		}
	}
	if err := d.ledger.Create(ctx, rec); err != nil {
		d.giveBack(seat)
		return Execution{}, err
	}
	ctx, cancel := detached(ctx) // the order exists
	defer cancel()
	if seat != nil {
		d.hand(ctx, seat, rec)
	} else {
		d.settle(ctx, rec)
	}
	return rec.Execution, nil
}

// record makes the record of a request that an agent could take.
func (d *Dispatcher) record(r Request) (*record.Record, []byte, error) {
	uid, err := uuid.NewV7() // sorts by time
	if err != nil {
		return nil, nil, fmt.Errorf("making an order id: %w", err)
	}
	params, err := json.Marshal(r.Params)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	case r.Environment == "" || len(r.Environment) > 64:
		return nil, nil, fmt.Errorf("%w: environment %.70q", ErrInvalid, r.Environment)
	case len(params) > maxParams:
		return nil, nil, fmt.Errorf("%w: %d bytes of parameters, at most %d", ErrInvalid, len(params), maxParams)
	case r.StartWithin < 0 || r.StartWithin > maxQueueTTL:
		return nil, nil, fmt.Errorf("%w: start within %s is outside 0–%s", ErrInvalid, r.StartWithin, maxQueueTTL)
	}
	now := record.Stamp(time.Now())
	rec := &record.Record{
		Execution: Execution{
			ID: wire.OrderID(uid.String()), Environment: r.Environment, App: r.App, Runtime: r.Runtime,
			OutVariables: r.OutVariables, ParamNames: slices.Sorted(maps.Keys(r.Params)),
			Timeout:     cmp.Or(r.Timeout, d.cfg.Timeout),
			StartWithin: cmp.Or(r.StartWithin, d.cfg.QueueTTL),
			Priority:    r.Priority, Retryable: r.Retryable,
			State: wire.StateQueued, Attempt: 1, Created: now, Queued: now,
		},
		Inputs: &record.Inputs{Params: maps.Clone(r.Params), Defaults: maps.Clone(r.Defaults)},
	}
	if r.Runtime == wire.RuntimePlaybook {
		rec.KVContext = cmp.Or(r.KVContext, uid.String())
	}
	if len(params) > inlineParams {
		rec.Inputs.Params, rec.Inputs.Object = nil, uid.String()
		rec.Inputs.ByHTTPS = len(params) > frameParams
	}
	trial := frame(rec, 0, r.Params, "token", d.cfg.TokenTTL)
	if _, err := wire.Encode(trial); err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	return rec, params, nil
}

// frame is the order as it goes to the agent.
func frame(rec *record.Record, age time.Duration, params map[string]string, token string, ttl time.Duration) *wire.Order {
	m := &wire.Order{
		Ref: rec.Ref(), Runtime: rec.Runtime, App: rec.App,
		Params: params, ParamsByHTTPS: rec.Inputs.ByHTTPS, Defaults: rec.Inputs.Defaults,
		Token: token, KVContext: rec.KVContext, OutVariables: rec.OutVariables,
		TimeoutMS:     rec.Timeout.Milliseconds(),
		StartWithinMS: max(1, (rec.StartWithin - age).Milliseconds()),
		Priority:      rec.Priority, Retryable: rec.Retryable,
	}
	if token != "" {
		m.TokenTTLMS = ttl.Milliseconds()
	}
	if m.ParamsByHTTPS {
		m.Params = nil
	}
	return m
}

// order returns the message for the attempt rec is at.
func (d *Dispatcher) order(ctx context.Context, rec *record.Record) (*wire.Order, error) {
	params := rec.Inputs.Params
	if rec.Inputs.Object != "" && !rec.Inputs.ByHTTPS {
		var err error
		if params, err = d.params(ctx, rec); err != nil {
			return nil, err
		}
	}
	var token string
	if d.cfg.Tokens != nil {
		token = d.cfg.Tokens.Issue(rec.ID, rec.Attempt, d.cfg.TokenTTL)
	}
	return frame(rec, d.ledger.Age(rec.ID), params, token, d.cfg.TokenTTL), nil
}

// params returns the parameters, wherever they are.
func (d *Dispatcher) params(ctx context.Context, rec *record.Record) (map[string]string, error) {
	if rec.Inputs.Object == "" {
		return rec.Inputs.Params, nil
	}
	data, err := d.inputs.GetBytes(ctx, rec.Inputs.Object)
	if err != nil {
		return nil, fmt.Errorf("reading parameters of order %s: %w", rec.ID, err)
	}
	var out map[string]string
	if err := json.Unmarshal(data, &out); err != nil {
		// What encoding/json quotes may be a secret.
		return nil, fmt.Errorf("reading parameters of order %s: not the JSON that was stored", rec.ID)
	}
	return out, nil
}

// dropInputs removes the parameter object of an order that has ended.
func (d *Dispatcher) dropInputs(ctx context.Context, id string) error {
	err := d.inputs.Delete(ctx, id)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	return err
}
