package schedule

import (
	"strings"
	"testing"
	"time"
)

// due lists the first times after one, in the zone's own words.
func due(t *testing.T, text, zone, after string, n int) string {
	t.Helper()
	s, err := Parse(text, zone)
	if err != nil {
		t.Fatal(err)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", after, location)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for range n {
		if at = s.Next(at); at.IsZero() {
			list = append(list, "never")
			break
		}
		list = append(list, at.In(location).Format("02 15:04 -07"))
	}
	return strings.Join(list, ", ")
}

func TestNext(t *testing.T) {
	for _, tc := range []struct{ name, text, zone, after, want string }{
		{"on demand", "", "UTC", "2026-03-01 00:00", "never"},
		{"every", "every 15m", "UTC", "2026-03-01 00:07", "01 00:15 +00, 01 00:30 +00, 01 00:45 +00"},
		{"at every", "@every 6h", "Europe/Berlin", "2026-03-01 00:07", "01 01:00 +01, 01 07:00 +01, 01 13:00 +01"},
		{"once", "once 2026-03-01T18:30", "Europe/Berlin", "2026-03-01 00:00", "01 18:30 +01, never"},
		{"once in UTC", "once 2026-03-01T18:30:00Z", "Europe/Berlin", "2026-03-01 00:00", "01 19:30 +01, never"},
		{"once, gone", "once 2026-03-01T18:30", "UTC", "2026-03-01 18:30", "never"},
		{"daily", "@daily", "America/New_York", "2026-01-01 09:00", "02 00:00 -05, 03 00:00 -05, 04 00:00 -05"},
		{"weekdays", "30 2 * * 1-5", "UTC", "2026-11-27 09:00", "30 02:30 +00, 01 02:30 +00, 02 02:30 +00"},
		{"spring, left out", "30 2 * * *", "Europe/Berlin", "2026-03-28 00:00", "28 02:30 +01, 29 03:30 +02, 30 02:30 +02"},
		{"autumn, twice", "30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "25 02:30 +02, 26 02:30 +01, 27 02:30 +01"},
		{"autumn, each hour", "30 * * * *", "Europe/Berlin", "2026-10-25 01:31", "25 02:30 +02, 25 02:30 +01, 25 03:30 +01"},
		{"autumn, hourly", "@hourly", "Europe/Berlin", "2026-10-25 01:31", "25 02:00 +02, 25 02:00 +01, 25 03:00 +01"},
		{"autumn, from the second", "30 2 * * *", "Europe/Berlin", "2026-10-25 04:00", "26 02:30 +01, 27 02:30 +01, 28 02:30 +01"},
		{"half an hour back", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00", "05 01:45 +11, 06 01:45 +10, 07 01:45 +10"},
		{"no midnight", "@daily", "America/Santiago", "2026-09-05 12:00", "06 01:00 -03, 07 00:00 -03, 08 00:00 -03"},
		{"never", "0 0 30 2 *", "UTC", "2026-01-01 00:00", "never"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := due(t, tc.text, tc.zone, tc.after, strings.Count(tc.want, ",")+1); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct{ text, zone, want string }{
		{"@daily", "Mars/Olympus", "time zone"}, {"@daily", "Local", "time zone"}, {"@daily", "../etc/passwd", "time zone"},
		{"every 10s", "", "outside"}, {"every 1h0m0.5s", "", "parts of a second"}, {"every", "", "no duration"}, {"every 10000h", "", "outside"},
		{"once tomorrow", "", `time "tomorrow" is none: write it as 2026-12-24T18:00`}, {"61 * * * *", "", "schedule"}, {"* * * *", "", "schedule"}, {"@reboot", "", "schedule"},
		{"TZ=UTC 0 0 * * *", "", "setting of its own"}, {strings.Repeat("1,", 200) + "1 * * * *", "", "the schedule has 409 bytes, at most 256 are possible"},
	} {
		if _, err := Parse(tc.text, tc.zone); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q in %q: %v, want %q", tc.text, tc.zone, err, tc.want)
		}
	}
}

// Whatever can be parsed goes forward, and ends.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "@daily", "every 15m", "once 2026-12-24T18:00", "*/5 1-3 * jan mon", "0 0 30 2 *"} {
		f.Add(text, "Europe/Berlin", int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, text, zone string, from int64) {
		s, err := Parse(text, zone)
		if err != nil {
			return
		}
		at := time.Unix(from%4_000_000_000, 0)
		for range 3 {
			next := s.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) {
				t.Fatalf("%q: %s is not after %s", text, next, at)
			}
			at = next
		}
	})
}
