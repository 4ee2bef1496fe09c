package clock

import "time"

// Offset is how far another host's clock is from this one's, and decides when that is worth a line
// in the log. The zero value knows nothing. Its methods need a lock of the caller's.
type Offset struct {
	// Skew is the other clock minus this host's, by the newest message that had a clock.
	Skew time.Duration
	// Known reports that there was such a message.
	Known bool

	apart   bool      // as it was logged last
	changed time.Time // when
}

// Update notes a clock that showed theirs, in Unix milliseconds, at now, when the answer took rtt.
// It reports whether to log that the clocks have parted by more than Tolerated (Apart), or agree
// again. A clock that goes to and fro is reported once in Tolerated, so that it does not fill the
// log.
func (o *Offset) Update(theirs int64, now time.Time, rtt time.Duration) (report bool) {
	o.Skew, o.Known = Skew(theirs, now, rtt), true
	apart := o.Skew.Abs() > Tolerated
	if apart == o.apart || now.Sub(o.changed) < Tolerated {
		return false
	}
	o.apart, o.changed = apart, now
	return true
}

// Apart reports whether the clocks disagreed at the last Update that reported something.
func (o *Offset) Apart() bool { return o.apart }
