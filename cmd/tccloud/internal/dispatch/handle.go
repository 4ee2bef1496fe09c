package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
	"tcenvsvr/cmd/tccloud/internal/dispatch/logs"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// How long a session gets no orders after it refused one: longer each time, up to pauseMost.
const (
	pauseFirst = time.Second
	pauseMost  = time.Minute
)

// Handle does what a message of the agent asks for. An error ends the session, with the code of an
// [EndError] if it is one. The agent sends what was not handled again in the next session.
func (s *Session) Handle(ctx context.Context, m wire.Message) error {
	switch m := m.(type) {
	case *wire.Credit:
		s.d.mu.Lock()
		s.credit = min(s.credit+m.N, wire.MaxSlots)
		s.services = min(s.services+m.Services, wire.MaxSlots)
		s.d.mu.Unlock()
		s.d.wake(s.env)
		return nil
	case *wire.Accepted:
		return s.accepted(ctx, m)
	case *wire.Refused:
		return s.refused(ctx, m)
	case *wire.Ready:
		return s.ready(ctx, m.Ref)
	case *wire.Progress:
		return s.progress(ctx, m.Ref, m.State)
	case *wire.Log:
		return s.log(ctx, m)
	case *wire.Result:
		return s.result(ctx, m)
	case *wire.Recalled:
		return s.recalled(ctx, m)
	case *wire.Info:
		s.info(m)
		return nil
	}
	return fmt.Errorf("%w: an agent does not send %q", wire.ErrInvalid, m.Kind())
}

func (s *Session) accepted(ctx context.Context, m *wire.Accepted) error {
	change := func(r *record.Record) error { return r.Accept(m.Ref, s.xid, m.Hold, time.Now()) }
	if m.Hold { // whether the order may go to another server depends on it
		_, err := s.d.ledger.Update(ctx, m.Order, change)
		return s.dropIfStale(m.Ref, err)
	}
	return s.dropIfStale(m.Ref, s.d.ledger.Note(ctx, m.Order, change))
}

// progress records the state that an agent reports, also by hello.
func (s *Session) progress(ctx context.Context, ref wire.Ref, state wire.State) error {
	err := s.d.ledger.Note(ctx, ref.Order, func(r *record.Record) error {
		return r.Progress(ref, s.xid, state, time.Now())
	})
	if errors.Is(err, record.ErrStale) {
		return nil
	}
	return s.ignoreUnknown(ref, err)
}

// dropIfStale handles the error of a change: an agent that has an order which, by its record, does
// not belong to it any more is told to drop the order.
func (s *Session) dropIfStale(ref wire.Ref, err error) error {
	if errors.Is(err, record.ErrStale) {
		return s.send(&wire.Cancel{Ref: ref, Reason: "the order now belongs to another attempt or has ended"})
	}
	return s.ignoreUnknown(ref, err)
}

// ignoreUnknown ignores a message about an order that has no record here: there is nothing to
// change, and nothing that would allow the agent to drop or to start the order.
func (s *Session) ignoreUnknown(ref wire.Ref, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	s.d.log.Warn("server speaks of an order that is not known here", "order", ref, "server", s.xid)
	return nil
}

// send sends a message. That the session is over is no error: its reader finds out by itself.
func (s *Session) send(m wire.Message) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if err := s.peer.Send(m); errors.Is(err, wire.ErrInvalid) || errors.Is(err, wire.ErrFrameTooLarge) {
		return err
	}
	return nil
}

// cancel asks the agent to end the order of rec.
func (s *Session) cancel(rec *record.Record) {
	if err := s.send(&wire.Cancel{Ref: rec.Ref(), Reason: rec.CancelWhy}); err != nil {
		s.d.log.Error("cancel was not sent", "order", rec.Ref(), "err", err)
	}
}

func (s *Session) refused(ctx context.Context, m *wire.Refused) error {
	unknown := m.Reason == wire.ReasonUnknown
	if !unknown {
		s.backOff() // before the order is queued again, or it would come back at once
	}
	_, err := s.d.ledger.Update(ctx, m.Order, func(r *record.Record) error {
		switch {
		case !r.Is(m.Ref, s.xid):
			return record.ErrStale
		case unknown && (r.State == wire.StateDelivered || r.Held()):
			r.Requeue(fmt.Sprintf("server %q does not know the order", s.xid), time.Now())
		case unknown:
			r.Interrupt(fmt.Sprintf("server %q does not know the order", s.xid), s.d.cfg.MaxAttempts, time.Now())
		case r.State == wire.StateDelivered:
			r.Requeue(fmt.Sprintf("refused by %q: %s %s", s.xid, m.Reason, m.Message), time.Now())
		default:
			return record.ErrStale
		}
		return nil
	})
	if errors.Is(err, record.ErrStale) {
		return nil
	}
	if err != nil {
		return s.ignoreUnknown(m.Ref, err)
	}
	s.d.cfg.Meter.OrderRefused(s.env, m.Reason)
	s.d.log.Info("order was refused", "order", m.Ref, "server", s.xid, "reason", m.Reason)
	if m.Reason == wire.ReasonNoCredit {
		// The agent counts its credits differently: only a new hello makes both agree.
		return &EndError{wire.CodeRetryLater, "credits have to be counted again", 0}
	}
	return nil
}

// backOff gives no orders to a session that could not take one, longer each time.
func (s *Session) backOff() {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.pause = min(max(2*s.pause, pauseFirst), pauseMost)
	s.paused = time.Now().Add(s.pause)
}

// ready allows a held order to start, once that is durable.
func (s *Session) ready(ctx context.Context, ref wire.Ref) error {
	s.d.mu.Lock()
	_, recalling := s.recalls[ref]
	s.d.mu.Unlock()
	if recalling {
		return nil // the agent will answer the recall
	}
	_, err := s.d.ledger.Update(ctx, ref.Order, func(r *record.Record) error { return r.Grant(ref, s.xid) })
	if err != nil {
		return s.dropIfStale(ref, err)
	}
	return s.send(&wire.Start{Ref: ref})
}

func (s *Session) log(ctx context.Context, m *wire.Log) error {
	rec, err := s.d.ledger.Get(ctx, m.Order)
	switch {
	case err != nil:
		return s.ignoreUnknown(m.Ref, err) // the agent has all of it in the job's folder
	case rec.Attempt != m.Attempt || rec.Server != s.xid:
		return nil // fenced; pieces that come after the end are still stored
	}
	err = s.logs.Append(ctx, m)
	if errors.Is(err, logs.ErrGap) {
		return &EndError{wire.CodeRetryLater, err.Error(), time.Second}
	}
	return err
}

// result stores the outcome before it is acknowledged. Only a record with a newer attempt or an end
// makes the agent drop its result; a result without a record stays with the agent.
func (s *Session) result(ctx context.Context, m *wire.Result) error {
	var returned sync.Once
	_, err := s.d.ledger.Update(ctx, m.Order, func(r *record.Record) error {
		if r.Result != nil && r.Attempt == m.Attempt && r.Server == s.xid {
			return record.ErrUnchanged // sent again because the acknowledgement was lost
		}
		now := time.Now()
		err := r.Finish(m, s.xid, s.d.cfg.MaxAttempts, now)
		if err == nil && m.Returned && r.Delay(now) == 0 { // else only this order waits, not all others with it
			returned.Do(s.backOff) // before the order is queued again, or it would come back at once
		}
		return err
	})
	fenced, unknown := errors.Is(err, record.ErrStale), errors.Is(err, ErrNotFound)
	if err != nil && !fenced && !unknown {
		return err
	}
	if fenced || unknown {
		s.d.cfg.Meter.ResultRefused(s.env, fenced)
	}
	s.logs.Forget(m.Ref)
	s.d.mu.Lock()
	if !m.Returned {
		s.pause = 0
	}
	delete(s.recalls, m.Ref)
	s.d.mu.Unlock()
	switch {
	case fenced:
		s.d.log.Info("result of a fenced attempt was refused", "order", m.Ref, "server", s.xid)
	case unknown:
		s.d.log.Warn("result of an order that is not known here was left with the server", "order", m.Ref, "server", s.xid)
	case m.Returned:
		s.d.log.Info("order was given back", "order", m.Ref, "server", s.xid, "code", m.Error, "message", m.Message)
	}
	return s.send(&wire.ResultAck{Ref: m.Ref, Fenced: fenced, Unknown: unknown})
}

func (s *Session) recalled(ctx context.Context, m *wire.Recalled) error {
	s.d.mu.Lock()
	delete(s.recalls, m.Ref)
	s.d.mu.Unlock()
	if !m.OK {
		return nil
	}
	_, err := s.d.ledger.Update(ctx, m.Order, func(r *record.Record) error {
		if !r.Is(m.Ref, s.xid) {
			return record.ErrStale
		}
		r.Requeue(fmt.Sprintf("recalled from %q", s.xid), time.Now())
		return nil
	})
	if errors.Is(err, record.ErrStale) {
		return nil
	}
	return s.ignoreUnknown(m.Ref, err)
}

// info notices that the server drains or that its host cannot run Apps, and recalls its held
// orders.
func (s *Session) info(m *wire.Info) {
	s.d.mu.Lock()
	closed := m.Draining || m.Unfit != nil
	began := closed && !s.refusing
	switch {
	case began:
		s.refusingSince = time.Now()
	case s.refusing && !closed && time.Since(s.refusingSince) >= s.pause:
		// The server knows best that it can run Apps again. If it says so too soon it has to wait
		// all the same: otherwise a server that returns each order would get the next one at once,
		// for ever.
		s.paused = time.Time{}
	}
	s.refusing = closed
	s.d.mu.Unlock()
	if !began {
		s.d.wake(s.env)
		return
	}
	held := s.d.ledger.Active(func(a ledger.Aged) bool { return a.Server == s.xid && a.Held() })
	for _, rec := range held {
		s.recall(rec.Ref())
	}
}

// recall asks for a held order back.
func (s *Session) recall(ref wire.Ref) {
	s.d.mu.Lock()
	if s.recalls == nil {
		s.recalls = map[wire.Ref]time.Time{}
	}
	s.recalls[ref] = time.Now()
	s.d.mu.Unlock()
	if err := s.send(&wire.Recall{Ref: ref}); err != nil {
		s.d.log.Error("recall was not sent", "order", ref, "err", err)
	}
}
