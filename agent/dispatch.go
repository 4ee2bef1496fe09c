package agent

import (
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
)

// OnMessage handles one message of the session. It is called in the order
// of arrival and must not block.
func (a *Agent) OnMessage(m wire.Message) {
	switch m := m.(type) {
	case *wire.Order:
		a.onOrder(m)
	case *wire.Start:
		a.withOrder(m.Ref, func(o *order) { o.allowStart() })
	case *wire.Recall:
		a.onRecall(m.Ref)
	case *wire.Cancel:
		a.withOrder(m.Ref, func(o *order) { o.end(cancelled{m.Reason}) })
	case *wire.ResultAck:
		a.onResultAck(m)
	case *wire.Control:
		a.onControl(m)
	default:
		a.Logger.Warn("message has no meaning for an agent", "kind", string(m.Kind()))
	}
}

// withOrder calls f with a live order, or tells the cloud that there is none.
func (a *Agent) withOrder(ref wire.Ref, f func(*order)) {
	if o := a.find(ref); o != nil {
		f(o)
		return
	}
	a.send(&wire.Refused{Ref: ref, Reason: wire.ReasonUnknown})
}

func (a *Agent) onOrder(m *wire.Order) {
	if a.ctx.Err() != nil {
		return // stopping: not journaled, so the cloud gives it to another or to the next of us
	}
	if a.find(m.Ref) != nil { // redelivered; while it is being journaled, it is answered then
		a.spend()
		a.answer(m.Ref)
		a.grant()
		return
	}
	o := a.newOrder(*m)
	a.joining.RLock()
	o.hello = a.hellos
	a.joining.RUnlock()
	if reason, ok := a.take(o); !ok {
		a.refuse(m.Ref, reason)
		return
	}
	a.fenceOlder(m.Ref)
	a.group.Go(func() error { o.run(a.ctx); return nil })
}

// answer says from the journal what is known of an order that came again.
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

// spend counts an order that takes no slot.
func (a *Agent) spend() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credit = max(0, a.credit-1)
}

func (a *Agent) refuse(ref wire.Ref, reason wire.Reason) {
	a.Logger.Warn("order refused", "order", ref.String(), "reason", string(reason))
	m := &wire.Refused{Ref: ref, Reason: reason}
	p := a.fitness.Problem()
	if p != nil && reason == wire.ReasonUnfit {
		m.Message = p.Code + ": " + p.Message
	}
	if p == nil || p.Code != fitness.Stuck { // else this session would wait for the disk
		a.Audit.Record(audit.OrderRefused, "order", ref.String(), "reason", string(reason))
	}
	a.send(m)
	a.grant()
}

// fenceOlder ends an older attempt at the same order, should it still be here.
func (a *Agent) fenceOlder(ref wire.Ref) {
	a.mu.Lock()
	var older []*order
	for r, o := range a.orders {
		if r.Order == ref.Order && r.Attempt < ref.Attempt {
			older = append(older, o)
		}
	}
	a.mu.Unlock()
	for _, o := range older {
		o.end(errFenced)
	}
}

func (a *Agent) onRecall(ref wire.Ref) {
	o := a.find(ref)
	if o == nil {
		a.send(&wire.Refused{Ref: ref, Reason: wire.ReasonUnknown})
		return
	}
	if !o.recall() {
		a.send(&wire.Recalled{Ref: ref, OK: false})
	}
}

func (a *Agent) onResultAck(m *wire.ResultAck) {
	e, known := a.Journal.Get(m.Ref)
	o := a.find(m.Ref)
	if (!known || e.Result == nil) && (o == nil || !o.isReturned()) { // an order that is forgotten while it runs could be started again, and its result never be told
		a.Logger.Debug("an acknowledgement belongs to no result", "order", m.Ref.String())
		return
	}
	if m.Unknown {
		if o := a.find(m.Ref); o != nil {
			o.disown()
		}
		return
	}
	if m.Fenced {
		a.Logger.Warn("result was refused: the attempt is fenced", "order", m.Ref.String())
	}
	if o != nil {
		o.acknowledge()
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
