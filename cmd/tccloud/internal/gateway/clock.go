package gateway

import "time"

// compare notes how far the server's clock, in Unix milliseconds, is from ours, and logs when they
// disagree and when they agree again.
func (s *session) compare(theirs int64, rtt time.Duration) {
	if theirs == 0 {
		return
	}
	now := time.Now()
	s.mu.Lock()
	report := s.clock.Update(theirs, now, rtt)
	skew, apart := s.clock.Skew, s.clock.Apart()
	s.mu.Unlock()
	switch {
	case !report:
	case apart:
		s.g.log.Warn("the clocks of a server and of this host disagree", "server", s.server.XID, "skew", skew,
			"here", now.UTC().Format(time.DateTime), "server_clock", time.UnixMilli(theirs).UTC().Format(time.DateTime))
	default:
		s.g.log.Info("the clocks of a server and of this host agree again", "server", s.server.XID, "skew", skew)
	}
}

// CompareClocks asks every server for its clock, after this host's was set by so much.
func (g *Gateway) CompareClocks(by time.Duration) {
	now := time.Now()
	for _, s := range g.all() {
		s.mu.Lock()
		s.clock.Skew -= by // until it answers
		s.mu.Unlock()
		s.beat(now, 0)
	}
}

// Skews are the clocks of the servers that are connected here, minus ours. A server that has not
// sent its clock is left out.
func (g *Gateway) Skews() []time.Duration {
	var out []time.Duration
	for _, s := range g.all() {
		s.mu.Lock()
		if s.clock.Known {
			out = append(out, s.clock.Skew)
		}
		s.mu.Unlock()
	}
	return out
}
