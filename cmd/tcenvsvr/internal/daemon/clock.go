package daemon

import "time"

// clockSet is told when this host's clock was set, or the host slept: what
// failed by its time is tried again, and the cloud's clock is asked for.
func (d *daemon) clockSet(by time.Duration) {
	d.logger.Warn("this host's clock was set, or the host slept", "by", by.Round(time.Millisecond))
	d.link.Wake()
	d.renewer.Wake()
	if d.updates != nil {
		d.updates.Check(false)
	}
}

// clockTrusted reports whether the age of what was written down may be
// judged by this host's clock: the cloud's decides while there is a session.
func (d *daemon) clockTrusted() bool {
	if s := d.link.State(); s.Connected {
		return d.clock.Trusted(s.Skew)
	}
	return d.clock.Trusted()
}
