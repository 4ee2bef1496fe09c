package gateway

import (
	"context"
	"time"

	"tcenvsvr/agent/link/wire"
)

// How agents are spread over gateways.
const (
	// returnsPerSecond is how many agents of a gateway that stops come back in a second: each costs
	// the others a handshake and a durable write.
	returnsPerSecond = 200
	minWindow        = time.Second
	maxWindow        = time.Minute

	// shedAtOnce is how many agents a gateway that has far more than its share sends away in a second.
	shedAtOnce = 5
	// shedMargin is how many agents, and shedShare which part of its share, are not far more.
	shedMargin = 10
	shedShare  = 4
	// shedWindow is the GoAway's: the agent leaves within it.
	shedWindow = time.Second
	// shedAgain is for how long an agent is left that came back: perhaps it can reach no other gateway.
	shedAgain = time.Hour
)

// window is within what time so many agents are to come back after this gateway stopped: all of them
// long before their leases end.
func window(agents int, lease time.Duration) time.Duration {
	w := time.Duration(agents) * time.Second / returnsPerSecond
	return min(max(w, minWindow), maxWindow, lease/2)
}

// surplus is how many agents a gateway has more than its share of all, 0 while that is not far more. Once
// it sheds, it goes on until it has its share.
func surplus(here, elsewhere, others int, shedding bool) int {
	share := (here + elsewhere + others) / (others + 1) // rounded up
	n := here - share
	if n <= 0 || !shedding && n <= max(shedMargin, share/shedShare) {
		return 0
	}
	return n
}

// balance sends agents to gateways that have far fewer, a few each second: after a rolling restart all of
// them are at the gateway that was restarted first, and a new gateway has none. An agent is left alone
// while it has an order or a service, whose caller may wait for an answer, and for an hour after it came
// back.
func (g *Gateway) balance(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	sent := map[wire.ServerXID]time.Time{} // away from here
	shedding := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		others, elsewhere, settled := g.roster.Others(g.cfg.ShedAfter)
		n := 0
		if others > 0 && settled && g.cfg.Dispatcher.Gateways() == others+1 && g.cfg.Dispatcher.StoreFailing() == 0 {
			g.mu.Lock()
			here := len(g.sessions)
			g.mu.Unlock()
			n = surplus(here, elsewhere, others, shedding)
		}
		if shedding != (n > 0) {
			shedding = n > 0
			g.log.Info("agents are sent to gateways that have fewer", "goes_on", shedding, "surplus", n)
		}
		now := time.Now()
		for xid, at := range sent {
			if now.Sub(at) > shedAgain {
				delete(sent, xid)
			}
		}
		if n > 0 {
			g.shed(min(n, shedAtOnce), sent)
		}
	}
}

// shed asks idle agents to leave that have been here for a while.
func (g *Gateway) shed(n int, sent map[wire.ServerXID]time.Time) {
	busy := g.cfg.Dispatcher.Busy()
	for _, s := range g.all() {
		if n == 0 {
			return
		}
		xid := s.server.XID
		if _, again := sent[xid]; again || busy[xid] || s.isClosed() || time.Since(s.connected) < g.cfg.ShedAfter {
			continue
		}
		away := &wire.GoAway{Code: wire.CodeRebalance, Message: "another gateway has fewer servers", WindowMS: shedWindow.Milliseconds()}
		if s.Send(away) == nil {
			sent[xid] = time.Now()
			n--
		}
	}
}
