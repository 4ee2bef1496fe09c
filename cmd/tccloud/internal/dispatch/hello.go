package dispatch

import (
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// reconcile compares hello with the server's records.
func (s *Session) reconcile(ctx context.Context, h *wire.Hello) (*wire.Welcome, error) {
	w := &wire.Welcome{Epoch: s.epoch, ServerTime: time.Now().UnixMilli(), Environment: s.env}
	named := map[wire.Ref]bool{}
	for _, o := range h.Orders {
		named[o.Ref] = true
		over, err := s.fenced(ctx, o.Ref)
		switch {
		case errors.Is(err, ErrNotFound):
			s.d.log.Warn("server has an order that is not known here; it goes on", "order", o.Ref, "server", s.xid)
			continue
		case err != nil:
			return nil, err
		case over:
			w.Fenced = append(w.Fenced, o.Ref)
			continue
		}
		if err := s.progress(ctx, o.Ref, o.State); err != nil {
			return nil, err
		}
	}
	for _, r := range h.Results {
		named[r] = true
	}
	// A list that was cut off at its limit does not tell what is missing.
	if len(h.Orders)+len(h.Results) < wire.MaxHelloRefs {
		s.inHello = named
		missing := s.d.ledger.Active(func(a ledger.Aged) bool { return a.Server == s.xid && !named[a.Ref()] })
		for _, rec := range missing {
			if err := s.notInHello(ctx, rec.Ref()); err != nil {
				return nil, err
			}
		}
	}
	fenced := map[wire.Ref]bool{}
	for _, r := range w.Fenced {
		fenced[r] = true
	}
	for r := range named {
		if fenced[r] {
			continue
		}
		offsets, err := s.d.logs.Offsets(ctx, r)
		if err != nil {
			return nil, err
		}
		w.Logs = append(w.Logs, offsets...)
	}
	return w, nil
}

// fenced reports whether ref, by its record, is not this server's current attempt any more. Before
// it reports so it asks the bucket: another gateway may have given the order to this server a
// moment ago. It returns ErrNotFound where there is no record.
func (s *Session) fenced(ctx context.Context, ref wire.Ref) (bool, error) {
	if rec := s.d.ledger.Peek(ref.Order); rec != nil && rec.Is(ref, s.xid) {
		return false, nil
	}
	rec, err := s.d.ledger.Fresh(ctx, ref.Order)
	if err != nil {
		return false, err
	}
	return !rec.Is(ref, s.xid), nil
}

// unseen reports whether the record was delivered to an earlier session of this server, at another
// gateway, and was not known here yet when hello was compared.
func (s *Session) unseen(r *record.Record) bool {
	return r.State == wire.StateDelivered && r.Epoch < s.epoch && s.inHello != nil && !s.inHello[r.Ref()]
}

// notInHello handles an order of this server that is missing in hello.
func (s *Session) notInHello(ctx context.Context, ref wire.Ref) error {
	rec, err := s.d.ledger.Update(ctx, ref.Order, func(r *record.Record) error {
		if !r.Is(ref, s.xid) {
			return record.ErrStale
		}
		r.Missing(s.journal, s.d.cfg.MaxAttempts, time.Now())
		return nil
	})
	switch {
	case errors.Is(err, record.ErrStale):
		return nil
	case err != nil:
		return err
	}
	s.d.log.Info("order was not in hello", "order", ref, "server", s.xid, "state", rec.State)
	return nil
}
