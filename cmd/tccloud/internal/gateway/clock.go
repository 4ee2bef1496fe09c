package gateway

import (
	"time"

	"tcenvsvr/agent/clock"
)

// compare notes how far the server's clock, in Unix milliseconds, is from
// ours, and says when they part and when they agree again.
func (s *session) compare(theirs int64, rtt time.Duration) {
	if theirs == 0 {
		return
	}
	now := time.Now()
	skew := time.UnixMilli(theirs).Sub(now.Round(0).Add(-rtt / 2)).Round(time.Millisecond)
	s.mu.Lock()
	apart := s.skew.Abs() > clock.Tolerated
	s.skew = skew
	s.mu.Unlock()
	switch {
	case skew.Abs() > clock.Tolerated && !apart:
		s.g.log.Warn("the clocks of a server and of this host disagree", "server", s.server.XID, "skew", skew,
			"here", now.UTC().Format(time.DateTime), "server_clock", time.UnixMilli(theirs).UTC().Format(time.DateTime))
	case skew.Abs() <= clock.Tolerated && apart:
		s.g.log.Info("the clocks of a server and of this host agree again", "server", s.server.XID, "skew", skew)
	}
}

// CompareClocks asks every server for its clock: ours was set.
func (g *Gateway) CompareClocks(by time.Duration) {
	now := time.Now()
	for _, s := range g.all() {
		s.mu.Lock()
		s.skew -= by // until it answers
		s.mu.Unlock()
		s.beat(now, 0)
	}
}

// Skews are the clocks of the servers that are connected here, minus ours.
func (g *Gateway) Skews() []time.Duration {
	var out []time.Duration
	for _, s := range g.all() {
		s.mu.Lock()
		out = append(out, s.skew)
		s.mu.Unlock()
	}
	return out
}
