package gateway

import (
	"time"

	"tcenvsvr/agent/host/clock"
)

// compare notes how far the server's clock, in Unix milliseconds, is from
// ours, and says when they part and when they agree again.
func (s *session) compare(theirs int64, rtt time.Duration) {
	if theirs == 0 {
		return
	}
	now := time.Now()
	skew := clock.Skew(theirs, now, rtt)
	apart := skew.Abs() > clock.Tolerated
	s.mu.Lock()
	s.skew, s.told = skew, true
	// A server whose clock goes to and fro does not fill the log.
	say := apart != s.apart && now.Sub(s.apartAt) >= clock.Tolerated
	if say {
		s.apart, s.apartAt = apart, now
	}
	s.mu.Unlock()
	switch {
	case !say:
	case apart:
		s.g.log.Warn("the clocks of a server and of this host disagree", "server", s.server.XID, "skew", skew,
			"here", now.UTC().Format(time.DateTime), "server_clock", time.UnixMilli(theirs).UTC().Format(time.DateTime))
	default:
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

// Skews are the clocks of the servers that are connected here, minus ours. Who told none
// has no say.
func (g *Gateway) Skews() []time.Duration {
	var out []time.Duration
	for _, s := range g.all() {
		s.mu.Lock()
		if s.told {
			out = append(out, s.skew)
		}
		s.mu.Unlock()
	}
	return out
}
