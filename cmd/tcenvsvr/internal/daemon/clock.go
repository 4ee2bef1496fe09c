package daemon

import "time"

// clockSet is called when this host's clock was set, or the host slept. What failed because of the
// time is tried again, and the cloud is asked for its time.
func (d *daemon) clockSet(by time.Duration) {
	d.logger.Warn("this host's clock was set, or the host slept", "by", by.Round(time.Millisecond))
	d.link.Wake()
	d.renewer.Wake()
	if d.updates != nil {
		d.updates.Check(false)
	}
}

// clockTrusted reports whether this host's clock may decide how old files are. While there is a
// session, it is compared with the cloud's clock.
func (d *daemon) clockTrusted() bool {
	if s := d.link.State(); s.Connected {
		return d.clock.Trusted(s.Skew)
	}
	return d.clock.Trusted()
}
