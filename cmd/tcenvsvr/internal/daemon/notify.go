package daemon

import (
	"context"
	"fmt"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// statusEvery is how often the line that systemctl shows is updated.
const statusEvery = 10 * time.Second

// notify reports to systemd: ready when the first attempt to connect has ended, whether or not the
// cloud answered, because an agent that tries to connect works; then a status line, and a heartbeat
// while all parts make progress. Without NOTIFY_SOCKET, as on other systems, it reports nothing.
func (d *daemon) notify(ctx context.Context) error {
	defer tell(sd.SdNotifyStopping)
	select {
	case <-d.link.Tried():
	case <-ctx.Done():
		return nil
	}
	tell(sd.SdNotifyReady)
	every, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		d.logger.Warn("the watchdog is not served", "err", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.watchdog(ctx, every)
	}()
	defer func() { <-done }()
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	for shown := ""; ; {
		if line := d.statusLine(); line != shown {
			tell("STATUS=" + line)
			shown = line
		}
		select {
		case <-status.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tell sends a state to systemd and ignores errors: there may be no systemd, and an agent that
// cannot report must still work.
func tell(state string) { _, _ = sd.SdNotify(false, state) }

// notifyReload tells systemd when a reload begins and ends, so that "systemctl reload" returns when
// the new settings are in force. Before READY a reload is part of the start.
func (d *daemon) notifyReload(reload func()) {
	select {
	case <-d.link.Tried():
		tell(sd.SdNotifyReloading + "\n" + sd.SdNotifyMonotonicUsec())
		defer tell(sd.SdNotifyReady)
	default:
	}
	reload()
}

func (d *daemon) statusLine() string {
	s := d.status()
	line := fmt.Sprintf("not connected to %s", s.Link.Broker)
	if s.Link.Connected {
		line = fmt.Sprintf("connected to %s (%s)", s.Link.Broker, s.Environment)
	} else if f := s.Link.Failure; f != nil {
		line += ": " + string(f.Code)
	}
	line += fmt.Sprintf("; %d of %d slots in use", s.Active, s.Executors)
	if s.Outbox > 0 {
		line += fmt.Sprintf(", %d results waiting", s.Outbox)
	}
	if s.Draining {
		line += "; draining"
	}
	return line
}
