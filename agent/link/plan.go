package link

import (
	"log/slog"
	"time"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// Bounds of the wait between two attempts.
const (
	firstDelay = time.Second
	capDelay   = 60 * time.Second
	floorDelay = 20 * time.Millisecond // a random delay may be 0; a loop must not spin
	// clockDelay is the cap where clocks disagree: nobody can tell the agent that the cloud's clock
	// was set.
	clockDelay = 20 * time.Second
)

// How long a session must have lasted for the next failure to count as the first one: gateways that
// fail one after the other must not keep an agent away for long. After a fence it is longer, or two
// agents with one identity would fence each other in quick succession for ever.
const (
	stable       = 10 * time.Second
	stableFenced = 10 * time.Minute
)

// plan decides when to connect again: with full jitter, for the first retry too, because a gateway
// that fails loses all its agents at the same moment.
type plan struct {
	failures int
}

// next returns the delay before the next attempt, and the shortest delay that [Link.Wake] may cut
// it to. random(n) is uniform in [0, n).
func (p *plan) next(e *ended, random func(n int64) int64) (delay, earliest time.Duration) {
	long := stable
	if e.fault.Code == "session."+fault.Code(wire.CodeFenced) {
		long = stableFenced
	}
	if e.lasted >= long {
		p.failures = 0
	}
	if e.exact && (e.lasted >= stable || e.wait >= firstDelay) {
		return max(e.wait, floorDelay), e.wait // random already
	}
	top := capDelay
	if p.failures < 6 { // 1 s, 2 s, … 32 s, then the cap
		top = firstDelay << p.failures
	}
	if e.fault.Clock() {
		top = min(top, clockDelay)
	}
	p.failures++
	return e.wait + max(time.Duration(random(int64(top)+1)), floorDelay), e.wait
}

// repeat is the interval at which a failure that goes on is logged again.
const repeat = 10 * time.Minute

// reporter logs state changes once: the first failure, each different one, and every ten minutes
// the one that goes on. All others are logged as debug.
type reporter struct {
	code  fault.Code
	said  time.Time
	count int // attempts since the last session
	since time.Time
}

func (r *reporter) report(log *slog.Logger, e *ended, delay time.Duration, now time.Time) {
	args := []any{"fault", e.fault, "retry_in", delay.Round(time.Millisecond)}
	if e.lasted > 0 {
		*r = reporter{since: now}
		say := log.Warn
		if e.own || e.exact && e.fault.Code != "session."+fault.Code(wire.CodeRetryLater) { // announced
			say = log.Info
		}
		say("connection to the cloud ended", append(args, "lasted", e.lasted.Round(time.Millisecond))...)
		return
	}
	if r.since.IsZero() {
		r.since = now
	}
	r.count++
	inUse := e.fault.Code == "hello."+fault.Code(wire.CodeInUse)
	switch {
	case inUse && (e.fault.Code != r.code || now.Sub(r.said) >= repeat):
		log.Error("another host runs with this server's identity, and the cloud keeps this one out", args...)
	case e.fault.Code != r.code:
		log.Warn("connecting to the cloud failed", args...)
	case now.Sub(r.said) >= repeat:
		log.Warn("still not connected to the cloud", append(args, "attempts", r.count, "for", now.Sub(r.since).Round(time.Second))...)
	default:
		log.Debug("connecting to the cloud failed again", args...)
		return
	}
	r.code, r.said = e.fault.Code, now
}
