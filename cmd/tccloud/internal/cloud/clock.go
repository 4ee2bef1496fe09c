package cloud

import (
	"context"
	"log/slog"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/health"
)

// clockVerdict is what trusted found out.
type clockVerdict struct {
	at time.Time
	ok bool
}

// trusted reports whether times that were stored may be compared with this host's clock. The
// connected servers decide that.
func (c *cloud) trusted() bool {
	if c.gateway == nil {
		return false
	}
	// trusted is called for every order, and asking thousands of servers takes time.
	if v := c.clockVerdict.Load(); v != nil && time.Since(v.at) < time.Second && c.clock.Steady() > 0 {
		return v.ok
	}
	v := &clockVerdict{time.Now(), c.clock.Trusted(c.gateway.Skews()...)}
	c.clockVerdict.Store(v)
	return v.ok
}

// confirmed reports whether connected servers have the same time as this host, whose clock alone
// may have been wrong since the start.
func (c *cloud) confirmed() bool {
	return c.clock.Steady() >= clock.Tolerated && len(c.gateway.Skews()) > 0 && c.trusted()
}

// tokensExpire reports whether the end of a token may be compared with the clock: not if the token
// may have been issued before the clock was set.
func (c *cloud) tokensExpire() bool { return c.trusted() && c.clock.Steady() > c.tokenLife }

// onClockStep returns the function that reacts to a clock that was set.
func (c *cloud) onClockStep(log *slog.Logger) func(by time.Duration) {
	return func(by time.Duration) {
		log.Warn("this host's clock was set, or the host slept", "by", by.Round(time.Millisecond))
		c.logCertificate(log)
		c.gateway.CompareClocks(by)
		c.clockVerdict.Store(nil)
		c.releases.Resign()
	}
}

// dependsOnClock returns a check that uses the clock: while the clock is not trusted, its worst
// finding is a warning.
func (c *cloud) dependsOnClock(check health.Check) health.Check {
	return health.Check{Name: check.Name, Look: func(ctx context.Context) health.Finding {
		f := check.Look(ctx)
		if f.State != health.OK && !c.trusted() {
			f.State = health.Warning
		}
		return f
	}}
}

func (c *cloud) logCertificate(log *slog.Logger) {
	if problem := c.server.Problem(); problem != "" {
		log.Error("servers refuse the cloud's certificate unless this host's clock is wrong", "reason", problem)
	}
}
