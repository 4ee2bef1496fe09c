package operator

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Since is a flag for a moment in the past: a time, or how long ago it was.
type Since struct{ time.Time }

// Until is a flag for a moment to come: a time, or how long it is until then.
type Until struct{ time.Time }

// layouts of times, in this host's zone where they have none.
var layouts = []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly}

// maxSpan bounds how far off a moment is.
const maxSpan = 100 * 365 * 24 * time.Hour

// Set implements pflag.Value.
func (s *Since) Set(text string) error {
	var ok bool
	if s.Time, ok = moment(text, -1); !ok {
		return errors.New("is no time: want 2026-11-30, \"2026-11-30 08:00\", 2026-11-30T08:00:00Z, or how long ago: 90m, 12h, 7d")
	}
	return nil
}

// Set implements pflag.Value.
func (u *Until) Set(text string) error {
	var ok bool
	if u.Time, ok = moment(text, 1); !ok {
		return errors.New("is no time: want 2026-11-30, \"2026-11-30 08:00\", 2026-11-30T08:00:00Z, or how long from now: 90m, 12h, 7d")
	}
	return nil
}

// moment reads a time, or a span from now on in a direction.
func moment(text string, direction time.Duration) (t time.Time, ok bool) {
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, text, time.Local); err == nil {
			return t, true
		}
	}
	d, ok := span(text)
	return time.Now().Add(direction * d), ok
}

// span reads a duration, which may be days.
func span(text string) (d time.Duration, ok bool) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if n < 0 || n > int(maxSpan/(24*time.Hour)) {
			n = -1
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	return d, err == nil && d >= 0 && d <= maxSpan
}

// String implements pflag.Value.
func (s *Since) String() string { return rfc3339(s.Time) }

// String implements pflag.Value.
func (u *Until) String() string { return rfc3339(u.Time) }

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// Type implements pflag.Value.
func (s *Since) Type() string { return "time" }

// Type implements pflag.Value.
func (u *Until) Type() string { return "time" }
