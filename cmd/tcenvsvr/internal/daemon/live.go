package daemon

import (
	"sync"
	"time"

	"tcenvsvr/agent"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/logging"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// live holds the settings in force: those of the start, with newer values of those that may change
// while the service runs.
type live struct {
	load func() (settings.Settings, error) // as at the start

	reloading sync.Mutex // one at a time
	mu        sync.Mutex
	now       settings.Settings
	state     controlapi.Settings
}

func newLive(load func() (settings.Settings, error), s settings.Settings) *live {
	return &live{load: load, now: s, state: controlapi.Settings{Loaded: time.Now(), RestartNeeded: []string{}}}
}

func (l *live) settings() settings.Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *live) status() controlapi.Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// reload reads the settings again and applies those that may change while the service runs. If
// anything is wrong with them, all old values stay in force. by says who asked.
func (d *daemon) reload(by string) (controlapi.Reloaded, error) {
	l := d.live
	l.reloading.Lock()
	defer l.reloading.Unlock()
	before := l.settings()
	newer, err := l.load()
	next, taken, waiting := before.ApplyLive(newer)
	if err == nil && len(taken) > 0 {
		err = d.apply(before, next)
	}
	l.mu.Lock()
	if err != nil {
		again := l.state.Problem == err.Error()
		l.state.Problem = err.Error()
		l.mu.Unlock()
		if !again {
			d.logger.Error("new settings are not used, the old ones stay", "by", by, "err", err)
		}
		return controlapi.Reloaded{}, err
	}
	l.now = next
	l.state = controlapi.Settings{Loaded: time.Now(), RestartNeeded: append([]string{}, waiting...)}
	l.mu.Unlock()
	d.metrics.look()
	if len(taken) > 0 || len(waiting) > 0 {
		d.logger.Info("settings were read again", "by", by, "changed", taken, "restart_needed", waiting)
	}
	if len(taken) > 0 {
		d.audit.Record(audit.SettingsChanged, "settings", taken, "by", by)
	}
	return controlapi.Reloaded{Taken: append([]string{}, taken...), RestartNeeded: append([]string{}, waiting...)}, nil
}

// apply gives the parts their new values. Parts that can refuse come first.
func (d *daemon) apply(before, next settings.Settings) error {
	level, err := logging.ParseLevel(next.LogLevel)
	if err != nil {
		return err
	}
	if endpointOf(before) != endpointOf(next) {
		if err := d.reconnect(next); err != nil {
			return err
		}
	}
	if before.LogLevel != next.LogLevel {
		d.levels.Set(level)
	}
	d.agent.Adjust(limits(next))
	return nil
}

// endpoint is all that the connection to the cloud depends on.
type endpoint struct {
	addr, transport, proxy string
	through                bool
}

func endpointOf(s settings.Settings) endpoint {
	r := endpoint{addr: s.BrokerAddr(), transport: s.QueueTransport, through: s.ProxyTC}
	if u := s.ProxyURL(); u != nil && s.ProxyTC {
		r.proxy = u.String()
	}
	return r
}

func (d *daemon) reconnect(s settings.Settings) error {
	if err := d.dialer.use(s); err != nil {
		return err
	}
	next, err := d.newLink(s)
	if err != nil {
		return err
	}
	d.link.use(next)
	return nil
}

func limits(s settings.Settings) agent.Limits {
	if job.NoServices != "" {
		s.Services = 0
	}
	return agent.Limits{
		Executors: s.JobExecutors, Services: s.Services, InfoEvery: s.InfoInterval,
		KeepSessions: time.Duration(s.SessionDaysToKeep) * 24 * time.Hour,
	}
}
