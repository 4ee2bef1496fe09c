package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"tcenvsvr/agent/control"
)

// part is something that must make progress.
type part struct {
	name string
	late func(context.Context) time.Duration // 0 = in time
}

// watchdog sends the heartbeat while every part makes progress. An agent that is stuck looks alive:
// its process is there, its socket is open. Without the heartbeat the service manager kills it and
// starts another one, which finds the jobs again.
func (d *daemon) watchdog(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return // the service manager wants none
	}
	beat(ctx, every/3, []part{
		{"link", func(context.Context) time.Duration { return d.link.Late() }},
		{"agent", func(context.Context) time.Duration { return d.agent.Late() }},
		{"control socket", d.controlLate(every / 4)},
	}, func() { tell(sd.SdNotifyWatchdog) }, d.logger)
}

// controlLate asks for the status through the socket, like every command.
func (d *daemon) controlLate(timeout time.Duration) func(context.Context) time.Duration {
	return func(ctx context.Context) time.Duration {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if err := control.Call(ctx, d.paths.Control, "GET", "status", nil, nil); err != nil {
			return max(time.Since(began), 1)
		}
		return 0
	}
}

// beat calls heartbeat at every interval in which no part is late.
func beat(ctx context.Context, every time.Duration, parts []part, heartbeat func(), logger *slog.Logger) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	reported := false
	for {
		stuck := ""
		for _, p := range parts {
			if late := p.late(ctx); late > 0 {
				stuck += fmt.Sprintf(" %s (%s)", p.name, late.Round(time.Millisecond))
			}
		}
		switch {
		case ctx.Err() != nil:
			return
		case stuck == "":
			heartbeat()
			if reported {
				logger.Info("all parts make progress again")
			}
		case !reported:
			logger.Error("a part makes no progress; without it the watchdog gets no heartbeat", "late", stuck[1:])
		}
		reported = stuck != ""
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
