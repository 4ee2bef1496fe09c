package agent

import (
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// Hello describes this server for a new session.
func (a *Agent) Hello() wire.Hello {
	h := wire.Hello{
		Protocol: wire.Protocol, BrokerToken: a.Identity.BrokerToken,
		ServerXID: a.Identity.ServerXID, ServerName: a.Identity.ServerName,
		Version: a.Identity.Version, OS: a.Identity.OS, Arch: a.Identity.Arch,
		MachineID: a.Identity.MachineID, Hostname: a.Identity.Hostname,
		BootID: a.Host.BootID(), Journal: a.Journal.Name(a.Host.BootID()), Executors: a.slots.load().total,
	}
	if a.SealKey != nil {
		h.SealKey = a.SealKey()
	}
	a.sessions.Hello(func() {
		for _, e := range a.Journal.Entries() {
			switch {
			case len(h.Orders)+len(h.Results) == wire.MaxHelloRefs:
			case e.Result != nil:
				h.Results = append(h.Results, e.Order.Ref)
			default:
				h.Orders = append(h.Orders, wire.InFlight{Ref: e.Order.Ref, State: e.State})
			}
		}
		h.Slots, h.Services = a.slots.hello()
	})
	return h
}

// OnWelcome opens a session.
func (a *Agent) OnWelcome(w wire.Welcome) {
	s := &order.Session{Epoch: w.Epoch, Services: w.Services, Offsets: map[order.LogKey]int64{}}
	for _, l := range w.Logs {
		s.Offsets[order.LogKey{Ref: l.Ref, Stream: l.Stream}] = l.Offset
	}
	for _, ref := range w.Fenced {
		a.fence(ref)
	}
	a.sessions.Open(s)
	a.grant()
	if a.fitness.Problem() != nil {
		a.tellInfo()
	}
}

// OnDisconnect closes the session.
func (a *Agent) OnDisconnect(error) { a.sessions.Close() }

// fence ends an order that the cloud has given to another attempt or closed.
func (a *Agent) fence(ref wire.Ref) {
	a.Logger.Warn("order was fenced: the cloud has given it to another attempt or closed it", "order", ref.String())
	if o := a.slots.find(ref); o != nil {
		o.Fence()
		return
	}
	a.forgetSoon(ref)
}

// forgetSoon removes an order from the journal without waiting for the disk, for the reader of a
// session.
func (a *Agent) forgetSoon(ref wire.Ref) {
	a.group.Go(func() error { a.common.Forget(ref); return nil })
}
