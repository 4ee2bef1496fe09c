package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/params"
	"tcenvsvr/cmd/tccloud/internal/dispatch/queue"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// maxQueueTTL keeps every queued order within the retention of records.
const maxQueueTTL = 30 * 24 * time.Hour

// Request asks for one run of one App.
type Request struct {
	ID          wire.OrderID // chosen by the submitter, never used before; "" makes a new one
	Environment string
	App         wire.AppRef
	Runtime     wire.Runtime
	Params      map[string]string // secret; gone from the store when the order has ended
	// KVContext is the key-value context of a Playbook App, for a caller that sets variables before
	// the order can start; "" makes a new one.
	KVContext    string
	OutVariables []string
	Service      *wire.ServiceSpec // of a service App, which has no timeout
	Defaults     map[string]string // further tc_* and api_* parameters; secret as well
	Timeout      time.Duration     // of the App's run; 0 = Config.Timeout
	StartWithin  time.Duration     // rejected when not delivered so long after Submit; 0 = Config.QueueTTL
	Priority     int               // 0 (last)–9 (first); see DefaultPriority
	Retryable    bool              // may run again after interrupted
	Limits       wire.Limits       // of the App's memory, processes and share of the CPU
	Server       wire.ServerXID    // the only one that may take it; "" = any of the Environment
	Signature    string            // of the operator, over what Draft returns; "" without one
}

// DefaultPriority is the usual Request.Priority.
const DefaultPriority = 5

// Submit stores an order durably and returns. Where nothing is queued in the Environment and a
// session of this gateway has credit, the record is created as delivered to it, with one durable
// write instead of two; otherwise the order is queued. It returns [ErrInvalid] for an order that no
// agent could take, and [ErrExists] for an id that was used before.
func (d *Dispatcher) Submit(ctx context.Context, r Request) (Execution, error) {
	rec, content, err := d.record(r)
	if err != nil {
		return Execution{}, err
	}
	if err := d.params.Put(ctx, rec.Inputs, content); err != nil { // before the record, which never lacks them
		return Execution{}, fmt.Errorf("storing parameters of order %s: %w", rec.ID, err)
	}
	session := d.reserveDirect(rec.Environment, queue.TakersOf(rec))
	if session != nil {
		if err := rec.Deliver(rec.Attempt, session.xid, session.epoch, session.journal, time.Now()); err != nil {
			return Execution{}, err
		}
	}
	if err := d.ledger.Create(ctx, rec); err != nil {
		d.returnCredit(session, queue.TakersOf(rec))
		return Execution{}, err // an object of an order that is not there goes with the next sweep
	}
	ctx, cancel := detached(ctx) // the order exists
	defer cancel()
	if session != nil {
		d.send(ctx, session, rec)
	}
	return rec.Execution, nil
}

// record makes the record of a request, and returns the parameters as JSON. It fails for a request
// that no agent could take.
func (d *Dispatcher) record(r Request) (*record.Record, []byte, error) {
	uid, err := uuid.NewV7() // sorts by time
	if err != nil {
		return nil, nil, fmt.Errorf("making an order id: %w", err)
	}
	id, object := r.ID, string(r.ID)+"."+uid.String() // the object of an order that has the id stays as it is
	if id == "" {
		id, object = wire.OrderID(uid.String()), uid.String()
	}
	now := time.Now()
	within, until := cmp.Or(r.StartWithin, d.cfg.QueueTTL), time.Time{}
	if r.Signature != "" {
		if until, err = signedUntil(r); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		within = min(within, until.Sub(now))
	}
	keys, sealing := sealedTo(r.Params)
	inputs, content, err := params.Inputs(object, r.Params, r.Defaults)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	case sealing != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, sealing)
	case r.Environment == "" || len(r.Environment) > 64:
		return nil, nil, fmt.Errorf("%w: environment %.70q is none", ErrInvalid, r.Environment)
	case !id.Valid():
		return nil, nil, fmt.Errorf("%w: order id %.70q: use 1–64 letters, digits, - and _", ErrInvalid, string(id))
	case r.Signature != "" && !until.After(now):
		return nil, nil, fmt.Errorf("%w: the signature was good until %s", ErrInvalid, until.UTC().Format(time.DateTime))
	case r.Server != "" && !r.Server.Valid():
		return nil, nil, fmt.Errorf("%w: server %.70q is none", ErrInvalid, string(r.Server))
	case len(r.KVContext) > 64:
		return nil, nil, fmt.Errorf("%w: key-value context %.70q… has more than 64 bytes", ErrInvalid, r.KVContext)
	case r.StartWithin < 0 || r.StartWithin > maxQueueTTL:
		return nil, nil, fmt.Errorf("%w: start within %s is outside 0–%s", ErrInvalid, r.StartWithin, maxQueueTTL)
	}
	now = record.Stamp(now)
	rec := &record.Record{
		Execution: Execution{
			ID: id, Signature: r.Signature, SealedTo: keys, Environment: r.Environment, Only: r.Server, App: r.App, Runtime: r.Runtime,
			OutVariables: r.OutVariables, ParamNames: slices.Sorted(maps.Keys(r.Params)),
			Service: r.Service, Timeout: cmp.Or(r.Timeout, d.cfg.Timeout),
			StartWithin: within,
			Priority:    r.Priority, Retryable: r.Retryable, Limits: r.Limits,
			State: wire.StateQueued, Attempt: 1, Created: now, Queued: now,
		},
		Inputs: inputs,
	}
	if r.Runtime.Service() {
		rec.Timeout = 0
	}
	if r.Runtime == wire.RuntimePlaybook {
		rec.KVContext = cmp.Or(r.KVContext, string(id))
	}
	trial := frame(rec, 0, r.Params, "token", d.cfg.TokenTTL)
	if _, err := wire.Encode(trial); err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	return rec, content, nil
}

// signedUntil is when the App of a signed order can be started at the latest. Whether the signature
// is good is for the agent to find out, which knows whom to believe.
func signedUntil(r Request) (time.Time, error) {
	s, err := signed.Parse(r.Signature)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the signature: %w", err)
	}
	if s.Environment != r.Environment {
		return time.Time{}, fmt.Errorf("the order is signed for environment %.70q", s.Environment)
	}
	return time.UnixMilli(s.NotAfter), nil
}

// Draft returns the order that Submit would make of a request, for its submitter to sign: what
// differs for each delivery (see [signed.Coverage]) is not in it. Nothing is stored.
func (d *Dispatcher) Draft(r Request) (*wire.Order, error) {
	rec, _, err := d.record(r)
	if err != nil {
		return nil, err
	}
	rec.Inputs.ByHTTPS = false
	m := frame(rec, 0, r.Params, "", 0)
	m.StartWithinMS = 0
	return m, nil
}

// frame is the order as it is sent to the agent.
func frame(rec *record.Record, age time.Duration, params map[string]string, token string, ttl time.Duration) *wire.Order {
	m := &wire.Order{
		Ref: rec.Ref(), Runtime: rec.Runtime, App: rec.App,
		Params: params, ParamsByHTTPS: rec.Inputs.ByHTTPS, Defaults: rec.Inputs.Defaults,
		Token: token, KVContext: rec.KVContext, OutVariables: rec.OutVariables, Service: rec.Service,
		TimeoutMS:     rec.Timeout.Milliseconds(),
		StartWithinMS: max(1, (rec.StartWithin - age).Milliseconds()),
		Priority:      rec.Priority, Retryable: rec.Retryable, Limits: rec.Limits, Signature: rec.Signature,
	}
	if token != "" {
		m.TokenTTLMS = ttl.Milliseconds()
	}
	if m.ParamsByHTTPS {
		m.Params = nil
	}
	return m
}

// order returns the message for the current attempt of rec.
func (d *Dispatcher) order(ctx context.Context, rec *record.Record) (*wire.Order, error) {
	var params map[string]string
	if !rec.Inputs.ByHTTPS {
		var err error
		if params, err = d.parameters(ctx, rec); err != nil {
			return nil, err
		}
	}
	var token string
	if d.cfg.Tokens != nil {
		token = d.cfg.Tokens.Issue(rec.ID, rec.Attempt, d.cfg.TokenTTL)
	}
	return frame(rec, d.ledger.Age(rec.ID), params, token, d.cfg.TokenTTL), nil
}

// parameters returns the order's parameters, wherever they are kept.
func (d *Dispatcher) parameters(ctx context.Context, rec *record.Record) (map[string]string, error) {
	p, err := d.params.Get(ctx, rec.Inputs)
	if err != nil {
		return nil, fmt.Errorf("reading parameters of order %s: %w", rec.ID, err)
	}
	return p, nil
}
