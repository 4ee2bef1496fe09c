package execution

import (
	"testing"
	"time"
)

func TestWhen(t *testing.T) {
	for s, want := range map[string]time.Time{
		"2026-11-30":           time.Date(2026, 11, 30, 0, 0, 0, 0, time.Local),
		"2026-11-30 08:15":     time.Date(2026, 11, 30, 8, 15, 0, 0, time.Local),
		"2026-11-30T08:15:01Z": time.Date(2026, 11, 30, 8, 15, 1, 0, time.UTC),
	} {
		var w when
		if err := w.Set(s); err != nil || !w.Equal(want) {
			t.Errorf("%q: got %s, %v, want %s", s, w.Time, err, want)
		}
	}
	for s, want := range map[string]time.Duration{"90m": 90 * time.Minute, "7d": 7 * 24 * time.Hour, "0d": 0} {
		var w when
		if err := w.Set(s); err != nil || (time.Since(w.Time)-want).Abs() > time.Minute {
			t.Errorf("%q: got %s, %v, want %s ago", s, w.Time, err, want)
		}
	}
	for _, s := range []string{"", "yesterday", "-1h", "-1d", "99999999999999999d", "1000000d", "1.5d"} {
		var w when
		if w.Set(s) == nil {
			t.Errorf("%q: got %s, want an error", s, w.Time)
		}
	}
}
