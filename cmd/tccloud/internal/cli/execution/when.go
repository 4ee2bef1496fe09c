package execution

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// when is a flag for a moment: a time, or how long ago it was.
type when struct{ time.Time }

// layouts of times, in this host's zone where they have none.
var layouts = []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly}

// errWhen says what a moment looks like.
var errWhen = errors.New("is no time: 2026-11-30, \"2026-11-30 08:00\", 2026-11-30T08:00:00Z, or how long ago: 90m, 12h, 7d")

// Set implements pflag.Value.
func (w *when) Set(s string) error {
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, time.Local); err == nil {
			w.Time = t
			return nil
		}
	}
	ago, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		ago = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || ago < 0 || ago > 100*365*24*time.Hour {
		return errWhen
	}
	w.Time = time.Now().Add(-ago)
	return nil
}

// String implements pflag.Value.
func (w *when) String() string {
	if w.IsZero() {
		return ""
	}
	return w.Format(time.RFC3339)
}

// Type implements pflag.Value.
func (w *when) Type() string { return "time" }
