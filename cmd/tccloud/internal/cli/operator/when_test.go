package operator

import (
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-11-30":           time.Date(2026, 11, 30, 0, 0, 0, 0, time.Local),
		"2026-11-30 08:15":     time.Date(2026, 11, 30, 8, 15, 0, 0, time.Local),
		"2026-11-30T08:15:01Z": time.Date(2026, 11, 30, 8, 15, 1, 0, time.UTC),
	} {
		var s Since
		var u Until
		if err := s.Set(text); err != nil || !s.Equal(want) {
			t.Errorf("%q: got %s, %v, want %s", text, s.Time, err, want)
		}
		if err := u.Set(text); err != nil || !u.Equal(want) {
			t.Errorf("%q: got %s, %v, want %s", text, u.Time, err, want)
		}
	}
	for text, want := range map[string]time.Duration{"90m": 90 * time.Minute, "7d": 7 * 24 * time.Hour, "0d": 0} {
		var s Since
		var u Until
		if err := s.Set(text); err != nil || (time.Since(s.Time)-want).Abs() > time.Minute {
			t.Errorf("%q: got %s, %v, want %s ago", text, s.Time, err, want)
		}
		if err := u.Set(text); err != nil || (time.Until(u.Time)-want).Abs() > time.Minute {
			t.Errorf("%q: got %s, %v, want %s from now", text, u.Time, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "-1h", "-1d", "99999999999999999d", "1000000d", "1.5d"} {
		var s Since
		var u Until
		if s.Set(text) == nil || u.Set(text) == nil {
			t.Errorf("%q: got %s and %s, want errors", text, s.Time, u.Time)
		}
	}
}
