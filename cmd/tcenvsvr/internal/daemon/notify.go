package daemon

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// statusEvery is how often the line that systemctl shows is renewed.
const statusEvery = 10 * time.Second

// notify tells systemd how we are: ready when the first attempt to connect
// has ended, whether or not the cloud answered, because an agent that tries is an
// agent that works; then a status line, and a heartbeat while all parts make progress. Without
// NOTIFY_SOCKET, as on other systems, nothing is told to anybody.
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
	for said := ""; ; {
		if line := d.statusLine(); line != said {
			tell("STATUS=" + line)
			said = line
		}
		select {
		case <-status.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tell is fire and forget: nobody there is no error, and an agent that cannot
// tell has still to work.
func tell(state string) { _, _ = sd.SdNotify(false, state) }

// told tells systemd when a reload begins and when it is over, so that
// "systemctl reload" returns when the new settings count. Before READY it is part of the start.
func (d *daemon) told(reload func()) {
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

// startIsOver is when pages that only the start needed are given back.
const startIsOver = 10 * time.Second

// trim gives back what the start took: parsing CAs and settings leaves more
// pages than idling needs, and the collector would keep them for minutes.
func trim(ctx context.Context) {
	timer := time.NewTimer(startIsOver)
	defer timer.Stop()
	select {
	case <-timer.C:
		debug.FreeOSMemory()
	case <-ctx.Done():
	}
}
