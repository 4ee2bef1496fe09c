package agent

import (
	"context"
	"errors"

	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order"
)

// OnMessage handles one message of the session. The link calls it in the order of arrival, and it
// must not block.
func (a *Agent) OnMessage(m wire.Message) {
	switch m := m.(type) {
	case *wire.Order:
		a.onOrder(m)
	case *wire.Start:
		a.withOrder(m.Ref, (*order.Order).AllowStart)
	case *wire.Recall:
		a.onRecall(m.Ref)
	case *wire.Cancel:
		a.withOrder(m.Ref, func(o *order.Order) { o.Cancel(m.Reason) })
	case *wire.ServiceSend:
		if o := a.slots.find(m.Ref); o != nil {
			o.SendService(m.Message)
		}
	case *wire.ServiceTaken:
		if o := a.slots.find(m.Ref); o != nil {
			o.TakenService(m.Seq)
		}
	case *wire.ResultAck:
		a.onResultAck(m)
	case *wire.Control:
		a.onControl(m)
	default:
		a.Logger.Warn("message has no meaning for an agent", "kind", string(m.Kind()))
	}
}

// withOrder calls f with a live order, or tells the cloud that there is none.
func (a *Agent) withOrder(ref wire.Ref, f func(*order.Order)) {
	if o := a.slots.find(ref); o != nil {
		f(o)
		return
	}
	a.send(&wire.Refused{Ref: ref, Reason: wire.ReasonUnknown})
}

// onOrder receives an order. It is accepted, durably, by its own goroutine.
func (a *Agent) onOrder(m *wire.Order) {
	if a.ctx.Err() != nil {
		return // stopping: not journaled, so the cloud gives it to another agent or to the next one here
	}
	if o := a.slots.find(m.Ref); o != nil { // redelivered; while it is being journaled, it is answered then
		a.slots.spend(o)
		a.answer(m.Ref)
		a.grant()
		return
	}
	o := order.New(&a.common, *m)
	if reason, ok := a.slots.occupy(o); !ok {
		a.refuse(m.Ref, reason)
		return
	}
	a.fenceOlder(m.Ref)
	a.group.Go(func() error { a.run(a.ctx, o); return nil })
}

// run accepts an order and takes it through its life.
func (a *Agent) run(ctx context.Context, o *order.Order) {
	defer a.Remove(o)
	switch err := o.Run(ctx); {
	case err == nil:
	case errors.Is(err, order.ErrKnown): // the journal remembers what no order in memory stands for
		a.answer(o.Ref())
	default:
		a.fitness.Report(fitness.Code(err), err)
		a.Remove(o) // before the answer: the slot is free when the cloud receives it
		a.Logger.Error("order not accepted", "order", o.Ref().String(), "err", err)
		a.refuse(o.Ref(), wire.ReasonUnfit)
	}
}

// answer tells the cloud what the journal knows of an order that came again.
func (a *Agent) answer(ref wire.Ref) {
	e, known := a.Journal.Get(ref)
	if !known {
		return
	}
	a.send(&wire.Accepted{Ref: ref, Hold: e.Hold && e.Result == nil})
	if e.Result != nil {
		a.send(e.Result)
	}
}

func (a *Agent) refuse(ref wire.Ref, reason wire.Reason) {
	a.Logger.Warn("order refused", "order", ref.String(), "reason", string(reason))
	m := &wire.Refused{Ref: ref, Reason: reason}
	p := a.fitness.Problem()
	if p != nil && reason == wire.ReasonUnfit {
		m.Message = p.Code + ": " + p.Message
	}
	if p == nil || p.Code != fitness.Stuck { // else the session would wait for the disk
		a.Audit.Record(audit.OrderRefused, "order", ref.String(), "reason", string(reason))
	}
	a.send(m)
	a.grant()
}

// fenceOlder ends an older attempt at the same order, if there is one.
func (a *Agent) fenceOlder(ref wire.Ref) {
	a.slots.each(func(o *order.Order, _ bool) {
		if r := o.Ref(); r.Order == ref.Order && r.Attempt < ref.Attempt {
			o.Fence()
		}
	})
}

func (a *Agent) onRecall(ref wire.Ref) {
	o := a.slots.find(ref)
	if o == nil {
		a.send(&wire.Refused{Ref: ref, Reason: wire.ReasonUnknown})
		return
	}
	if !o.Recall() {
		a.send(&wire.Recalled{Ref: ref, OK: false})
	}
}

func (a *Agent) onResultAck(m *wire.ResultAck) {
	e, known := a.Journal.Get(m.Ref)
	o := a.slots.find(m.Ref)
	// An order that is forgotten while it runs could be started again, and its result would never
	// be delivered.
	if (!known || e.Result == nil) && (o == nil || !o.Returned()) {
		a.Logger.Debug("an acknowledgement belongs to no result", "order", m.Ref.String())
		return
	}
	if m.Unknown {
		if o := a.slots.find(m.Ref); o != nil {
			o.Disown()
		}
		return
	}
	if m.Fenced {
		a.Logger.Warn("result was refused: the attempt is fenced", "order", m.Ref.String())
	}
	if o != nil {
		o.Acknowledge()
		return
	}
	a.forgetSoon(m.Ref)
}

func (a *Agent) onControl(m *wire.Control) {
	a.Logger.Info("control received", "action", string(m.Action))
	switch m.Action {
	case wire.ActionDrain:
		a.setDraining(true)
	case wire.ActionResume:
		a.setDraining(false)
	case wire.ActionRestart:
		a.Restart()
	case wire.ActionDiagnostics:
		a.tellInfo()
	default:
		if a.OnControl != nil {
			a.OnControl(*m)
		}
	}
}
