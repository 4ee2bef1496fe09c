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

// watchdog sends the heartbeat while every part makes progress. A wedged
// agent looks alive to everybody: its process is there, its socket is open. Without the
// heartbeat the service manager kills it and starts another, which finds the jobs again.
func (d *daemon) watchdog(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return // nobody watches
	}
	beat(ctx, every/3, []part{
		{"link", func(context.Context) time.Duration { return d.link.Late() }},
		{"agent", func(context.Context) time.Duration { return d.agent.Late() }},
		{"control socket", d.controlLate(every / 4)},
	}, func() { tell(sd.SdNotifyWatchdog) }, d.logger)
}

// controlLate asks for the status as everybody else does, through the socket.
func (d *daemon) controlLate(patience time.Duration) func(context.Context) time.Duration {
	return func(ctx context.Context) time.Duration {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := control.Call(ctx, d.paths.Control, "GET", "status", nil, nil); err != nil {
			return max(time.Since(began), 1)
		}
		return 0
	}
}

// beat calls heartbeat every so often while no part is late.
func beat(ctx context.Context, every time.Duration, parts []part, heartbeat func(), logger *slog.Logger) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	told := false
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
			if told {
				logger.Info("all parts make progress again")
			}
		case !told:
			logger.Error("a part makes no progress; without it the watchdog gets no heartbeat", "late", stuck[1:])
		}
		told = stuck != ""
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
