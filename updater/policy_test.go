package updater

import (
	"strings"
	"testing"
	"time"
)

func TestWindows(t *testing.T) {
	// 2026-11-26 is a Thursday.
	local := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.Local) }
	for name, c := range map[string]struct {
		window string
		now    time.Time
		open   bool
		wait   time.Duration
	}{
		"always":                        {"", local(26, 12, 0), true, 0},
		"inside":                        {"10:00-14:00", local(26, 12, 0), true, 0},
		"before":                        {"13:30-14:00", local(26, 12, 0), false, 90 * time.Minute},
		"after, so tomorrow":            {"10:00-11:00", local(26, 12, 0), false, 22 * time.Hour},
		"over midnight, evening":        {"22:00-04:00", local(26, 23, 0), true, 0},
		"over midnight, morning":        {"22:00-04:00", local(26, 3, 59), true, 0},
		"over midnight, noon":           {"22:00-04:00", local(26, 12, 0), false, 10 * time.Hour},
		"the end is outside":            {"10:00-12:00", local(26, 12, 0), false, 22 * time.Hour},
		"a day that is today":           {"thu 10:00-14:00", local(26, 12, 0), true, 0},
		"a day that is not":             {"sat,sun 12:00-13:00", local(26, 12, 0), false, 48 * time.Hour},
		"began yesterday, still open":   {"wed 22:00-04:00", local(26, 3, 0), true, 0},
		"did not begin yesterday":       {"thu 22:00-04:00", local(26, 3, 0), false, 19 * time.Hour},
		"the same day, a week from now": {"thu 10:00-11:00", local(26, 12, 0), false, 7*24*time.Hour - 2*time.Hour},
		"until midnight":                {"10:00-24:00", local(26, 23, 59), true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := ParseWindow(c.window)
			if err != nil {
				t.Fatal(err)
			}
			if open, wait := w.Open(c.now); open != c.open || wait != c.wait {
				t.Errorf("got %v, %s, want %v, %s", open, wait, c.open, c.wait)
			}
		})
	}
	for _, bad := range []string{"soon", "10:00", "10-12", "25:00-26:00", "10:00-10:00", "xyz 10:00-11:00", "sat sun 10:00-11:00", "10:00-11:60", "1:00-2:00", "10:00-12:00x", ",10:00-11:00", "-1:00-02:00"} {
		if _, err := ParseWindow(bad); err == nil || !strings.Contains(err.Error(), "want e.g. 22:00-04:00 or sat,sun 01:00-05:00") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
